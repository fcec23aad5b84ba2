;; A32
;; 000: eeb40b41  vcmp.f64 d0, d1
;; 004: eef1fa10  vmrs APSR_nzcv, fpscr
;; 008: c3a00001  movgt r0, #1
;; 00c: e12fff1e  bx lr
(module
  (type $t0 (func (param i32 i32 i32 i32) (result i32)))
  (type $t1 (func (param i32 i32 i32 i32 i32 i32) (result i32)))
  (type $t2 (func (param i32 i32 i32) (result i32)))
  (import "env" "memory" (memory $env.memory 1 65536))
  (import "env" "single" (func $single (type $t0)))
  (import "env" "via" (func $via (type $t0)))
  (import "env" "fpCompare64" (func $fpCompare64 (type $t1)))
  (func $r0 (export "r0") (type $t2) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32) (local $l6 i32) (local $l7 i32) (local $l8 i32) (local $l9 i32) (local $l10 i32) (local $l11 i32) (local $l12 i32) (local $l13 i64) (local $l14 i64) (local $l15 f64) (local $l16 f64) (local $l17 i32) (local $l18 i32)
    (if $I0
      (i32.lt_s
        (local.tee $l3
          (i32.add
            (i32.load offset=96 align=1
              (local.get $p0))
            (i32.ne
              (local.get $p1)
              (i32.const 0))))
        (i32.const 4))
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
    (local.set $l9
      (i32.load align=1
        (local.get $p0)))
    (local.set $l10
      (i32.load offset=56 align=1
        (local.get $p0)))
    (local.set $l5
      (i32.load offset=64 align=1
        (local.get $p0)))
    (local.set $l6
      (i32.load offset=68 align=1
        (local.get $p0)))
    (local.set $l7
      (i32.load offset=72 align=1
        (local.get $p0)))
    (local.set $l8
      (i32.load offset=76 align=1
        (local.get $p0)))
    (block $B2
      (local.set $l3
        (i32.sub
          (local.get $l3)
          (i32.const 4)))
      (local.set $l11
        (i32.load offset=172 align=1
          (local.get $p0)))
      (if $I3
        (i32.eqz
          (local.get $l11))
        (then
          (local.set $l3
            (i32.add
              (local.get $l3)
              (i32.const 4)))
          (local.set $l12
            (i32.const 1))
          (local.set $l4
            (local.get $p2))
          (br $B2)
          (unreachable)))
      (local.set $l13
        (i64.load offset=512 align=1
          (local.get $p0)))
      (local.set $l14
        (i64.load offset=520 align=1
          (local.get $p0)))
      (local.set $l15
        (f64.reinterpret_i64
          (local.get $l13)))
      (local.set $l16
        (f64.reinterpret_i64
          (local.get $l14)))
      (local.set $l17
        (i32.load offset=164 align=1
          (local.get $p0)))
      (if $I4
        (i32.and
          (i32.and
            (f64.eq
              (local.get $l15)
              (local.get $l15))
            (f64.eq
              (local.get $l16)
              (local.get $l16)))
          (i32.eqz
            (i32.and
              (local.get $l17)
              (i32.const 16777216))))
        (then
          (i32.store offset=160 align=1
            (local.get $p0)
            (select
              (i32.const 1610612736)
              (select
                (i32.const -2147483648)
                (i32.const 536870912)
                (f64.lt
                  (local.get $l15)
                  (local.get $l16)))
              (f64.eq
                (local.get $l15)
                (local.get $l16)))))
        (else
          (local.set $l18
            (call $fpCompare64
              (local.get $p0)
              (i32.wrap_i64
                (local.get $l13))
              (i32.wrap_i64
                (i64.shr_u
                  (local.get $l13)
                  (i64.const 32)))
              (i32.wrap_i64
                (local.get $l14))
              (i32.wrap_i64
                (i64.shr_u
                  (local.get $l14)
                  (i64.const 32)))
              (i32.const 0)))
          (i32.store offset=160 align=1
            (local.get $p0)
            (local.get $l18))))
      (local.set $l18
        (i32.load offset=172 align=1
          (local.get $p0)))
      (if $I5
        (i32.eqz
          (local.get $l18))
        (then
          (local.set $l3
            (i32.add
              (local.get $l3)
              (i32.const 3)))
          (local.set $l4
            (i32.add
              (local.get $p2)
              (i32.const 4)))
          (br $B2)
          (unreachable)))
      (local.set $l17
        (i32.load offset=160 align=1
          (local.get $p0)))
      (local.set $l5
        (local.get $l17))
      (local.set $l6
        (i32.xor
          (i32.and
            (i32.shr_u
              (local.get $l17)
              (i32.const 30))
            (i32.const 1))
          (i32.const 1)))
      (local.set $l7
        (i32.and
          (i32.shr_u
            (local.get $l17)
            (i32.const 29))
          (i32.const 1)))
      (local.set $l8
        (i32.shl
          (local.get $l17)
          (i32.const 3)))
      (local.set $l17
        (local.get $l5))
      (local.set $l18
        (local.get $l8))
      (local.set $l11
        (local.get $l6))
      (if $I6
        (i32.and
          (i32.ge_s
            (i32.xor
              (local.get $l17)
              (local.get $l18))
            (i32.const 0))
          (i32.ne
            (local.get $l11)
            (i32.const 0)))
        (then
          (local.set $l9
            (i32.const 1))))
      (local.set $l11
        (local.get $l10))
      (local.set $l18
        (i32.and
          (local.get $l11)
          (i32.const 1)))
      (if $I7
        (local.get $l18)
        (then
          (local.set $l17
            (i32.load offset=88 align=1
              (local.get $p0)))
          (i32.store offset=88 align=1
            (local.get $p0)
            (i32.or
              (local.get $l17)
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
            (local.get $l18))))
      (br $B2)
      (unreachable))
    (i32.store align=1
      (local.get $p0)
      (local.get $l9))
    (i32.store offset=64 align=1
      (local.get $p0)
      (local.get $l5))
    (i32.store offset=68 align=1
      (local.get $p0)
      (local.get $l6))
    (i32.store offset=72 align=1
      (local.get $p0)
      (local.get $l7))
    (i32.store offset=76 align=1
      (local.get $p0)
      (local.get $l8))
    (i32.store offset=96 align=1
      (local.get $p0)
      (local.get $l3))
    (if $I8
      (i32.and
        (local.get $l12)
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
