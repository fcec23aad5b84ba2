;; A32
;; 000: eeb80ac0  vcvt.f32.s32 s0, s0
;; 004: e12fff1e  bx lr
(module
  (type $t0 (func (param i32 i32 i32 i32) (result i32)))
  (type $t1 (func (param i32 i32 i32 i32 i32 i32) (result i32)))
  (type $t2 (func (param i32 i32 i32) (result i32)))
  (import "env" "memory" (memory $env.memory 1 65536))
  (import "env" "single" (func $single (type $t0)))
  (import "env" "via" (func $via (type $t0)))
  (import "env" "fixedToFp32" (func $fixedToFp32 (type $t1)))
  (func $r0 (export "r0") (type $t2) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32) (local $l6 i32) (local $l7 i32) (local $l8 i32) (local $l9 i32) (local $l10 i32)
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
      (local.set $l6
        (i32.load offset=172 align=1
          (local.get $p0)))
      (if $I3
        (i32.eqz
          (local.get $l6))
        (then
          (local.set $l3
            (i32.add
              (local.get $l3)
              (i32.const 2)))
          (local.set $l7
            (i32.const 1))
          (local.set $l4
            (local.get $p2))
          (br $B2)
          (unreachable)))
      (local.set $l8
        (i32.load offset=512 align=1
          (local.get $p0)))
      (local.set $l9
        (i32.load offset=164 align=1
          (local.get $p0)))
      (if $I4
        (i32.or
          (i32.lt_u
            (i32.add
              (local.get $l8)
              (i32.const 16777216))
            (i32.const 33554432))
          (i32.eq
            (i32.and
              (local.get $l9)
              (i32.const 12582928))
            (i32.const 16)))
        (then
          (i32.store offset=512 align=1
            (local.get $p0)
            (i32.reinterpret_f32
              (f32.convert_i32_s
                (local.get $l8)))))
        (else
          (local.set $l10
            (call $fixedToFp32
              (local.get $p0)
              (local.get $l8)
              (i32.const 32)
              (i32.const 0)
              (i32.const 0)
              (i32.const 0)))
          (i32.store offset=512 align=1
            (local.get $p0)
            (local.get $l10))))
      (local.set $l10
        (local.get $l5))
      (local.set $l9
        (i32.and
          (local.get $l10)
          (i32.const 1)))
      (if $I5
        (local.get $l9)
        (then
          (local.set $l8
            (i32.load offset=88 align=1
              (local.get $p0)))
          (i32.store offset=88 align=1
            (local.get $p0)
            (i32.or
              (local.get $l8)
              (i32.const 32)))
          (i32.store offset=100 align=1
            (local.get $p0)
            (i32.const 1))))
      (local.set $l4
        (i32.and
          (local.get $l10)
          (select
            (i32.const -2)
            (i32.const -4)
            (local.get $l9))))
      (br $B2)
      (unreachable))
    (i32.store offset=96 align=1
      (local.get $p0)
      (local.get $l3))
    (if $I6
      (i32.and
        (local.get $l7)
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
