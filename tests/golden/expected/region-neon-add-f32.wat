;; A32
;; 000: f2020d44  vadd.f32 q0, q1, q2
;; 004: e12fff1e  bx lr
(module
  (type $t0 (func (param i32 i32 i32 i32) (result i32)))
  (type $t1 (func (param i32 i32 i32) (result i32)))
  (import "env" "memory" (memory $env.memory 1 65536))
  (import "env" "single" (func $single (type $t0)))
  (import "env" "via" (func $via (type $t0)))
  (import "env" "simdAdd" (func $simdAdd (type $t1)))
  (func $r0 (export "r0") (type $t1) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32) (local $l6 v128) (local $l7 v128) (local $l8 i32) (local $l9 i32) (local $l10 v128) (local $l11 v128) (local $l12 v128) (local $l13 i32) (local $l14 i32) (local $l15 i32) (local $l16 v128) (local $l17 i32) (local $l18 i32) (local $l19 v128) (local $l20 v128)
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
    (local.set $l5
      (i32.load offset=56 align=1
        (local.get $p0)))
    (block $B2
      (local.set $l3
        (i32.sub
          (local.get $l3)
          (i32.const 2)))
      (local.set $l8
        (i32.load offset=172 align=1
          (local.get $p0)))
      (if $I3
        (i32.eqz
          (local.get $l8))
        (then
          (local.set $l3
            (i32.add
              (local.get $l3)
              (i32.const 2)))
          (local.set $l9
            (i32.const 1))
          (local.set $l4
            (local.get $p2))
          (br $B2)
          (unreachable)))
      (local.set $l10
        (v128.load offset=528 align=1
          (local.get $p0)))
      (local.set $l11
        (v128.load offset=544 align=1
          (local.get $p0)))
      (local.set $l12
        (f32x4.add
          (local.get $l10)
          (local.get $l11)))
      (local.set $l13
        (i32.load offset=164 align=1
          (local.get $p0)))
      (if $I4
        (select
          (i32.eqz
            (v128.any_true
              (v128.or
                (v128.or
                  (v128.or
                    (v128.andnot
                      (f32x4.lt
                        (f32x4.abs
                          (local.get $l10))
                        (v128.const i32x4 0x00800000 0x00800000 0x00800000 0x00800000))
                      (f32x4.eq
                        (local.get $l10)
                        (v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000)))
                    (v128.andnot
                      (f32x4.lt
                        (f32x4.abs
                          (local.get $l11))
                        (v128.const i32x4 0x00800000 0x00800000 0x00800000 0x00800000))
                      (f32x4.eq
                        (local.get $l11)
                        (v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000))))
                  (v128.andnot
                    (f32x4.lt
                      (f32x4.abs
                        (local.get $l12))
                      (v128.const i32x4 0x00800000 0x00800000 0x00800000 0x00800000))
                    (f32x4.eq
                      (local.get $l12)
                      (v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000))))
                (v128.not
                  (f32x4.lt
                    (f32x4.abs
                      (local.get $l12))
                    (v128.const i32x4 0x7f800000 0x7f800000 0x7f800000 0x7f800000))))))
          (i32.const 0)
          (i32.and
            (local.get $l13)
            (i32.const 16)))
        (then
          (local.set $l6
            (local.get $l12)))
        (else
          (local.set $l14
            (call $simdAdd
              (local.get $p0)
              (i32x4.extract_lane 0
                (local.get $l10))
              (i32x4.extract_lane 0
                (local.get $l11))))
          (local.set $l15
            (call $simdAdd
              (local.get $p0)
              (i32x4.extract_lane 1
                (local.get $l10))
              (i32x4.extract_lane 1
                (local.get $l11))))
          (local.set $l7
            (i32x4.replace_lane 1
              (i32x4.splat
                (local.get $l14))
              (local.get $l15)))
          (local.set $l16
            (local.get $l7))
          (local.set $l17
            (call $simdAdd
              (local.get $p0)
              (i32x4.extract_lane 2
                (local.get $l10))
              (i32x4.extract_lane 2
                (local.get $l11))))
          (local.set $l18
            (call $simdAdd
              (local.get $p0)
              (i32x4.extract_lane 3
                (local.get $l10))
              (i32x4.extract_lane 3
                (local.get $l11))))
          (local.set $l7
            (i32x4.replace_lane 3
              (i32x4.replace_lane 2
                (local.get $l16)
                (local.get $l17))
              (local.get $l18)))
          (local.set $l19
            (local.get $l7))
          (local.set $l6
            (local.get $l19))))
      (local.set $l20
        (local.get $l6))
      (v128.store offset=512 align=1
        (local.get $p0)
        (local.get $l20))
      (local.set $l18
        (local.get $l5))
      (local.set $l17
        (i32.and
          (local.get $l18)
          (i32.const 1)))
      (if $I5
        (local.get $l17)
        (then
          (local.set $l15
            (i32.load offset=88 align=1
              (local.get $p0)))
          (i32.store offset=88 align=1
            (local.get $p0)
            (i32.or
              (local.get $l15)
              (i32.const 32)))
          (i32.store offset=100 align=1
            (local.get $p0)
            (i32.const 1))))
      (local.set $l4
        (i32.and
          (local.get $l18)
          (select
            (i32.const -2)
            (i32.const -4)
            (local.get $l17))))
      (br $B2)
      (unreachable))
    (i32.store offset=96 align=1
      (local.get $p0)
      (local.get $l3))
    (if $I6
      (i32.and
        (local.get $l9)
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
