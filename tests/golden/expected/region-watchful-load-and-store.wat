;; A32
;; 000: e5910000  ldr r0, [r1]
;; 004: e5c20000  strb r0, [r2]
;; 008: e12fff1e  bx lr
(module
  (type $t0 (func (param i32 i32 i32 i32) (result i32)))
  (type $t1 (func (param i32 i32 i32) (result i32)))
  (import "env" "memory" (memory $env.memory 1 65536))
  (import "env" "single" (func $single (type $t0)))
  (import "env" "via" (func $via (type $t0)))
  (import "env" "usableForRead" (func $usableForRead (type $t0)))
  (import "env" "usableForWrite" (func $usableForWrite (type $t0)))
  (func $r0 (export "r0") (type $t1) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32) (local $l6 i32) (local $l7 i32) (local $l8 i32) (local $l9 i32) (local $l10 i32) (local $l11 i32) (local $l12 i32) (local $l13 i32) (local $l14 i32)
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
    (local.set $l9
      (i32.load offset=120 align=1
        (local.get $p0)))
    (local.set $l5
      (i32.load offset=4 align=1
        (local.get $p0)))
    (local.set $l7
      (i32.load align=1
        (local.get $p0)))
    (local.set $l8
      (i32.load offset=8 align=1
        (local.get $p0)))
    (local.set $l10
      (i32.load offset=56 align=1
        (local.get $p0)))
    (block $B2
      (local.set $l3
        (i32.sub
          (local.get $l3)
          (i32.const 3)))
      (local.set $l11
        (local.get $l5))
      (if $I3
        (i32.and
          (i32.or
            (local.tee $l12
              (i32.xor
                (i32.load align=1
                  (i32.add
                    (local.get $l6)
                    (i32.shl
                      (i32.shr_u
                        (local.get $l11)
                        (i32.const 12))
                      (i32.const 2))))
                (i32.const 1)))
            (local.get $l11))
          (i32.const 3))
        (then
          (if $I4
            (i32.eqz
              (local.tee $l12
                (call $usableForRead
                  (local.get $p0)
                  (local.get $l11)
                  (local.get $l12)
                  (i32.const 4))))
            (then
              (local.set $l3
                (i32.add
                  (local.get $l3)
                  (i32.const 3)))
              (local.set $l13
                (i32.const 1))
              (local.set $l4
                (local.get $p2))
              (br $B2)))))
      (local.set $l14
        (i32.load align=1
          (i32.add
            (local.get $l11)
            (local.get $l12))))
      (local.set $l7
        (local.get $l14))
      (local.set $l14
        (local.get $l8))
      (local.set $l12
        (local.get $l7))
      (if $I5
        (i32.and
          (local.tee $l11
            (i32.xor
              (i32.load align=1
                (i32.add
                  (local.get $l9)
                  (i32.shl
                    (i32.shr_u
                      (local.get $l14)
                      (i32.const 12))
                    (i32.const 2))))
              (i32.const 1)))
          (i32.const 1))
        (then
          (if $I6
            (i32.eqz
              (local.tee $l11
                (call $usableForWrite
                  (local.get $p0)
                  (local.get $l14)
                  (local.get $l11)
                  (i32.const 1))))
            (then
              (local.set $l3
                (i32.add
                  (local.get $l3)
                  (i32.const 2)))
              (local.set $l4
                (i32.add
                  (local.get $p2)
                  (i32.const 4)))
              (br $B2)))))
      (i32.store8
        (i32.add
          (local.get $l14)
          (local.get $l11))
        (local.get $l12))
      (local.set $l11
        (local.get $l10))
      (local.set $l12
        (i32.and
          (local.get $l11)
          (i32.const 1)))
      (if $I7
        (local.get $l12)
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
          (local.get $l11)
          (select
            (i32.const -2)
            (i32.const -4)
            (local.get $l12))))
      (br $B2)
      (unreachable))
    (i32.store align=1
      (local.get $p0)
      (local.get $l7))
    (i32.store offset=96 align=1
      (local.get $p0)
      (local.get $l3))
    (if $I8
      (i32.and
        (local.get $l13)
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
