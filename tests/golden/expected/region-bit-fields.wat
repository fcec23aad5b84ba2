;; A32
;; 000: e7e70251  ubfx r0, r1, #4, #8
;; 004: e7cf2410  bfi r2, r0, #8, #8
;; 008: e16f3f12  clz r3, r2
;; 00c: e6bf4f32  rev r4, r2
;; 010: e12fff1e  bx lr
(module
  (type $t0 (func (param i32 i32 i32 i32) (result i32)))
  (type $t1 (func (param i32 i32 i32) (result i32)))
  (import "env" "memory" (memory $env.memory 1 65536))
  (import "env" "single" (func $single (type $t0)))
  (import "env" "via" (func $via (type $t0)))
  (func $r0 (export "r0") (type $t1) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32) (local $l6 i32) (local $l7 i32) (local $l8 i32) (local $l9 i32) (local $l10 i32) (local $l11 i32) (local $l12 i32) (local $l13 i32)
    (if $I0
      (i32.lt_s
        (local.tee $l3
          (i32.add
            (i32.load offset=96 align=1
              (local.get $p0))
            (i32.ne
              (local.get $p1)
              (i32.const 0))))
        (i32.const 5))
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
    (local.set $l5
      (i32.load offset=4 align=1
        (local.get $p0)))
    (local.set $l6
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
      (i32.load offset=56 align=1
        (local.get $p0)))
    (block $B2
      (local.set $l3
        (i32.sub
          (local.get $l3)
          (i32.const 5)))
      (local.set $l11
        (local.get $l5))
      (local.set $l6
        (i32.shr_u
          (i32.shl
            (local.get $l11)
            (i32.const 20))
          (i32.const 24)))
      (local.set $l11
        (local.get $l7))
      (local.set $l12
        (local.get $l6))
      (local.set $l7
        (i32.or
          (i32.and
            (local.get $l11)
            (i32.const -65281))
          (i32.and
            (i32.shl
              (local.get $l12)
              (i32.const 8))
            (i32.const 65280))))
      (local.set $l12
        (local.get $l7))
      (local.set $l8
        (i32.clz
          (local.get $l12)))
      (local.set $l12
        (local.get $l7))
      (local.set $l9
        (i32.or
          (i32.and
            (i32.rotl
              (local.get $l12)
              (i32.const 8))
            (i32.const 16711935))
          (i32.and
            (i32.rotr
              (local.get $l12)
              (i32.const 8))
            (i32.const -16711936))))
      (local.set $l12
        (local.get $l10))
      (local.set $l11
        (i32.and
          (local.get $l12)
          (i32.const 1)))
      (if $I3
        (local.get $l11)
        (then
          (local.set $l13
            (i32.load offset=88 align=1
              (local.get $p0)))
          (i32.store offset=88 align=1
            (local.get $p0)
            (i32.or
              (local.get $l13)
              (i32.const 32)))
          (i32.store offset=100 align=1
            (local.get $p0)
            (i32.const 1))))
      (local.set $l4
        (i32.and
          (local.get $l12)
          (select
            (i32.const -2)
            (i32.const -4)
            (local.get $l11))))
      (br $B2)
      (unreachable))
    (i32.store align=1
      (local.get $p0)
      (local.get $l6))
    (i32.store offset=8 align=1
      (local.get $p0)
      (local.get $l7))
    (i32.store offset=12 align=1
      (local.get $p0)
      (local.get $l8))
    (i32.store offset=16 align=1
      (local.get $p0)
      (local.get $l9))
    (i32.store offset=96 align=1
      (local.get $p0)
      (local.get $l3))
    (local.get $l4)))
