;; T32
;; 000: b510      push {r4, lr}
;; 002: f000f804  bl 0xe
;; 006: bd10      pop {r4, pc}
;; 008: e7fe      b.n 0x8
(module
  (type $t0 (func (param i32 i32 i32 i32) (result i32)))
  (type $t1 (func (param i32 i32 i32) (result i32)))
  (import "env" "memory" (memory $env.memory 1 65536))
  (import "env" "single" (func $single (type $t0)))
  (import "env" "via" (func $via (type $t0)))
  (func $r0 (export "r0") (type $t1) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32) (local $l6 i32) (local $l7 i32) (local $l8 i32) (local $l9 i32) (local $l10 i32) (local $l11 i32) (local $l12 i32) (local $l13 i32) (local $l14 i32) (local $l15 i32) (local $l16 i32) (local $l17 i32) (local $l18 i32) (local $l19 i32) (local $l20 i32)
    (if $I0
      (i32.lt_s
        (local.tee $l3
          (i32.add
            (i32.load offset=96 align=1
              (local.get $p0))
            (i32.ne
              (local.get $p1)
              (i32.const 0))))
        (i32.const 2))
      (then
        (if $I1
          (i32.eqz
            (local.get $p1))
          (then
            (return
              (local.get $p2))))
        (return
          (call $single
            (local.get $p0)
            (local.get $p1)
            (local.get $p2)
            (i32.const 5)))))
    (local.set $l6
      (i32.load offset=120 align=1
        (local.get $p0)))
    (local.set $l9
      (i32.load offset=116 align=1
        (local.get $p0)))
    (local.set $l5
      (i32.load offset=52 align=1
        (local.get $p0)))
    (local.set $l7
      (i32.load offset=16 align=1
        (local.get $p0)))
    (local.set $l8
      (i32.load offset=56 align=1
        (local.get $p0)))
    (block $B2
      (local.set $l3
        (i32.sub
          (local.get $l3)
          (i32.const 2)))
      (local.set $l10
        (local.get $l5))
      (local.set $l11
        (i32.add
          (local.get $l10)
          (i32.const -8)))
      (local.set $l13
        (select
          (i32.sub
            (i32.add
              (local.tee $l12
                (i32.load align=1
                  (i32.add
                    (local.get $l6)
                    (i32.shl
                      (i32.shr_u
                        (local.get $l11)
                        (i32.const 12))
                      (i32.const 2)))))
              (local.get $l11))
            (i32.const 1))
          (i32.const 0)
          (i32.and
            (i32.and
              (i32.le_u
                (i32.and
                  (local.get $l11)
                  (i32.const 4095))
                (i32.const 4088))
              (local.get $l12))
            (i32.eqz
              (i32.and
                (local.get $l11)
                (i32.const 3))))))
      (if $I3
        (local.get $l13)
        (then
          (local.set $l14
            (local.get $l7))
          (i32.store align=1
            (local.get $l13)
            (local.get $l14))
          (local.set $l15
            (local.get $l8))
          (i32.store offset=4 align=1
            (local.get $l13)
            (local.get $l15)))
        (else
          (local.set $l3
            (i32.add
              (local.get $l3)
              (i32.const 2)))
          (local.set $l16
            (i32.const 1))
          (local.set $l4
            (local.get $p2))
          (br $B2)))
      (local.set $l5
        (i32.add
          (local.get $l10)
          (i32.const -8)))
      (local.set $l8
        (i32.or
          (i32.add
            (local.get $p2)
            (i32.const 6))
          (i32.const 1)))
      (if $I4
        (i32.ge_u
          (i32.load offset=352 align=1
            (local.get $p0))
          (i32.const 100))
        (then
          (local.set $l4
            (i32.add
              (local.get $p2)
              (i32.const 14)))
          (br $B2)))
      (if $I5
        (i32.ge_u
          (i32.sub
            (local.tee $l17
              (i32.load16_u align=1
                (i32.const 2097166)))
            (i32.const 4096))
          (i32.const 28672))
        (then
          (local.set $l4
            (i32.add
              (local.get $p2)
              (i32.const 14)))
          (br $B2)))
      (i32.store offset=52 align=1
        (local.get $p0)
        (local.get $l5))
      (i32.store offset=16 align=1
        (local.get $p0)
        (local.get $l7))
      (i32.store offset=56 align=1
        (local.get $p0)
        (local.get $l8))
      (i32.store offset=96 align=1
        (local.get $p0)
        (local.get $l3))
      (i32.store offset=352 align=1
        (local.get $p0)
        (i32.add
          (i32.load offset=352 align=1
            (local.get $p0))
          (i32.const 1)))
      (local.set $l17
        (call $via
          (local.get $p0)
          (i32.const 0)
          (i32.add
            (local.get $p2)
            (i32.const 14))
          (local.get $l17)))
      (i32.store offset=352 align=1
        (local.get $p0)
        (i32.add
          (i32.load offset=352 align=1
            (local.get $p0))
          (i32.const -1)))
      (if $I6
        (i32.or
          (i32.ne
            (local.get $l17)
            (i32.add
              (local.get $p2)
              (i32.const 6)))
          (i32.eq
            (i32.load offset=100 align=1
              (local.get $p0))
            (i32.const 1)))
        (then
          (return
            (local.get $l17))))
      (local.set $l3
        (i32.load offset=96 align=1
          (local.get $p0)))
      (local.set $l5
        (i32.load offset=52 align=1
          (local.get $p0)))
      (local.set $l7
        (i32.load offset=16 align=1
          (local.get $p0)))
      (local.set $l8
        (i32.load offset=56 align=1
          (local.get $p0)))
      (if $I7
        (i32.lt_s
          (local.get $l3)
          (i32.const 1))
        (then
          (local.set $l4
            (i32.add
              (local.get $p2)
              (i32.const 6)))
          (br $B2)))
      (local.set $l3
        (i32.sub
          (local.get $l3)
          (i32.const 1)))
      (local.set $l14
        (local.get $l5))
      (local.set $l15
        (i32.const 0))
      (local.set $l12
        (select
          (i32.sub
            (i32.add
              (local.tee $l13
                (i32.load align=1
                  (i32.add
                    (local.get $l9)
                    (i32.shl
                      (i32.shr_u
                        (local.get $l14)
                        (i32.const 12))
                      (i32.const 2)))))
              (local.get $l14))
            (i32.const 1))
          (i32.const 0)
          (i32.and
            (i32.and
              (i32.le_u
                (i32.and
                  (local.get $l14)
                  (i32.const 4095))
                (i32.const 4088))
              (local.get $l13))
            (i32.eqz
              (i32.and
                (local.get $l14)
                (i32.const 3))))))
      (if $I8
        (local.get $l12)
        (then
          (local.set $l11
            (i32.load align=1
              (local.get $l12)))
          (local.set $l7
            (local.get $l11))
          (local.set $l10
            (i32.load offset=4 align=1
              (local.get $l12)))
          (local.set $l15
            (local.get $l10)))
        (else
          (local.set $l3
            (i32.add
              (local.get $l3)
              (i32.const 1)))
          (local.set $l4
            (i32.add
              (local.get $p2)
              (i32.const 6)))
          (br $B2)))
      (local.set $l18
        (local.get $l15))
      (local.set $l5
        (i32.add
          (local.get $l14)
          (i32.const 8)))
      (local.set $l19
        (i32.and
          (local.get $l18)
          (i32.const 1)))
      (if $I9
        (i32.eqz
          (local.get $l19))
        (then
          (local.set $l20
            (i32.load offset=88 align=1
              (local.get $p0)))
          (i32.store offset=88 align=1
            (local.get $p0)
            (i32.and
              (local.get $l20)
              (i32.const -33)))
          (i32.store offset=100 align=1
            (local.get $p0)
            (i32.const 1))))
      (local.set $l4
        (i32.and
          (local.get $l18)
          (select
            (i32.const -2)
            (i32.const -4)
            (local.get $l19))))
      (br $B2)
      (unreachable))
    (i32.store offset=52 align=1
      (local.get $p0)
      (local.get $l5))
    (i32.store offset=16 align=1
      (local.get $p0)
      (local.get $l7))
    (i32.store offset=56 align=1
      (local.get $p0)
      (local.get $l8))
    (i32.store offset=96 align=1
      (local.get $p0)
      (local.get $l3))
    (if $I10
      (i32.and
        (local.get $l16)
        (i32.ne
          (local.get $p1)
          (i32.const 0)))
      (then
        (i32.store offset=96 align=1
          (local.get $p0)
          (i32.sub
            (local.get $l3)
            (i32.const 1)))
        (return
          (call $single
            (local.get $p0)
            (local.get $p1)
            (local.get $p2)
            (i32.const 5)))))
    (local.get $l4)))
