;; A32
;; 000: e8b0001c  ldm r0!, {r2, r3, r4}
;; 004: e921001c  stmdb r1!, {r2, r3, r4}
;; 008: e12fff1e  bx lr
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
        (i32.const 3))
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
      (i32.load offset=116 align=1
        (local.get $p0)))
    (local.set $l11
      (i32.load offset=120 align=1
        (local.get $p0)))
    (local.set $l5
      (i32.load align=1
        (local.get $p0)))
    (local.set $l7
      (i32.load offset=8 align=1
        (local.get $p0)))
    (local.set $l8
      (i32.load offset=12 align=1
        (local.get $p0)))
    (local.set $l9
      (i32.load offset=16 align=1
        (local.get $p0)))
    (local.set $l10
      (i32.load offset=4 align=1
        (local.get $p0)))
    (local.set $l12
      (i32.load offset=56 align=1
        (local.get $p0)))
    (block $B2
      (local.set $l3
        (i32.sub
          (local.get $l3)
          (i32.const 3)))
      (local.set $l13
        (local.get $l5))
      (local.set $l15
        (select
          (i32.sub
            (i32.add
              (local.tee $l14
                (i32.load align=1
                  (i32.add
                    (local.get $l6)
                    (i32.shl
                      (i32.shr_u
                        (local.get $l13)
                        (i32.const 12))
                      (i32.const 2)))))
              (local.get $l13))
            (i32.const 1))
          (i32.const 0)
          (i32.and
            (i32.and
              (i32.le_u
                (i32.and
                  (local.get $l13)
                  (i32.const 4095))
                (i32.const 4084))
              (local.get $l14))
            (i32.eqz
              (i32.and
                (local.get $l13)
                (i32.const 3))))))
      (if $I3
        (local.get $l15)
        (then
          (local.set $l16
            (i32.load align=1
              (local.get $l15)))
          (local.set $l7
            (local.get $l16))
          (local.set $l17
            (i32.load offset=4 align=1
              (local.get $l15)))
          (local.set $l8
            (local.get $l17))
          (local.set $l18
            (i32.load offset=8 align=1
              (local.get $l15)))
          (local.set $l9
            (local.get $l18)))
        (else
          (local.set $l3
            (i32.add
              (local.get $l3)
              (i32.const 3)))
          (local.set $l19
            (i32.const 1))
          (local.set $l4
            (local.get $p2))
          (br $B2)))
      (local.set $l5
        (i32.add
          (local.get $l13)
          (i32.const 12)))
      (local.set $l18
        (local.get $l10))
      (local.set $l17
        (i32.add
          (local.get $l18)
          (i32.const -12)))
      (local.set $l15
        (select
          (i32.sub
            (i32.add
              (local.tee $l16
                (i32.load align=1
                  (i32.add
                    (local.get $l11)
                    (i32.shl
                      (i32.shr_u
                        (local.get $l17)
                        (i32.const 12))
                      (i32.const 2)))))
              (local.get $l17))
            (i32.const 1))
          (i32.const 0)
          (i32.and
            (i32.and
              (i32.le_u
                (i32.and
                  (local.get $l17)
                  (i32.const 4095))
                (i32.const 4084))
              (local.get $l16))
            (i32.eqz
              (i32.and
                (local.get $l17)
                (i32.const 3))))))
      (if $I4
        (local.get $l15)
        (then
          (local.set $l14
            (local.get $l7))
          (i32.store align=1
            (local.get $l15)
            (local.get $l14))
          (local.set $l13
            (local.get $l8))
          (i32.store offset=4 align=1
            (local.get $l15)
            (local.get $l13))
          (local.set $l20
            (local.get $l9))
          (i32.store offset=8 align=1
            (local.get $l15)
            (local.get $l20)))
        (else
          (local.set $l3
            (i32.add
              (local.get $l3)
              (i32.const 2)))
          (local.set $l4
            (i32.add
              (local.get $p2)
              (i32.const 4)))
          (br $B2)))
      (local.set $l10
        (i32.add
          (local.get $l18)
          (i32.const -12)))
      (local.set $l20
        (local.get $l12))
      (local.set $l13
        (i32.and
          (local.get $l20)
          (i32.const 1)))
      (if $I5
        (local.get $l13)
        (then
          (local.set $l14
            (i32.load offset=88 align=1
              (local.get $p0)))
          (i32.store offset=88 align=1
            (local.get $p0)
            (i32.or
              (local.get $l14)
              (i32.const 32)))
          (i32.store offset=100 align=1
            (local.get $p0)
            (i32.const 1))))
      (local.set $l4
        (i32.and
          (local.get $l20)
          (select
            (i32.const -2)
            (i32.const -4)
            (local.get $l13))))
      (br $B2)
      (unreachable))
    (i32.store align=1
      (local.get $p0)
      (local.get $l5))
    (i32.store offset=8 align=1
      (local.get $p0)
      (local.get $l7))
    (i32.store offset=12 align=1
      (local.get $p0)
      (local.get $l8))
    (i32.store offset=16 align=1
      (local.get $p0)
      (local.get $l9))
    (i32.store offset=4 align=1
      (local.get $p0)
      (local.get $l10))
    (i32.store offset=96 align=1
      (local.get $p0)
      (local.get $l3))
    (if $I6
      (i32.and
        (local.get $l19)
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
