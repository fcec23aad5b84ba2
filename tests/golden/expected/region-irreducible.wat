;; A32
;; 000: e3500000  cmp r0, #0
;; 004: 0a000000  beq 0xc
;; 008: e2811001  add r1, r1, #1
;; 00c: e2522001  subs r2, r2, #1
;; 010: 1afffffc  bne 0x8
;; 014: eafffffb  b 0x8
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
        (i32.const 6))
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
      (i32.load align=1
        (local.get $p0)))
    (local.set $l10
      (i32.load offset=8 align=1
        (local.get $p0)))
    (local.set $l11
      (i32.load offset=4 align=1
        (local.get $p0)))
    (local.set $l6
      (i32.load offset=64 align=1
        (local.get $p0)))
    (local.set $l7
      (i32.load offset=68 align=1
        (local.get $p0)))
    (local.set $l8
      (i32.load offset=72 align=1
        (local.get $p0)))
    (local.set $l9
      (i32.load offset=76 align=1
        (local.get $p0)))
    (block $B2
      (block $B3
        (local.set $l3
          (i32.sub
            (local.get $l3)
            (i32.const 2)))
        (local.set $l12
          (local.get $l5))
        (local.set $l6
          (local.get $l12))
        (local.set $l7
          (local.get $l12))
        (local.set $l8
          (i32.ge_u
            (local.get $l12)
            (i32.const 0)))
        (local.set $l9
          (i32.and
            (local.get $l12)
            (i32.xor
              (local.get $l12)
              (local.get $l12))))
        (local.set $l12
          (local.get $l7))
        (if $I4
          (i32.eqz
            (local.get $l12))
          (then
            (local.set $l3
              (i32.sub
                (local.get $l3)
                (i32.const 2)))
            (local.set $l12
              (local.get $l10))
            (local.set $l13
              (i32.sub
                (local.get $l12)
                (i32.const 1)))
            (local.set $l6
              (local.get $l13))
            (local.set $l7
              (local.get $l13))
            (local.set $l8
              (i32.ge_u
                (local.get $l12)
                (i32.const 1)))
            (local.set $l9
              (i32.and
                (i32.xor
                  (local.get $l12)
                  (i32.const 1))
                (i32.xor
                  (local.get $l12)
                  (local.get $l13))))
            (local.set $l10
              (local.get $l13))
            (local.set $l13
              (local.get $l7))
            (if $I5
              (i32.eqz
                (i32.eqz
                  (local.get $l13)))
              (then
                (br $B3)))
            (local.set $l3
              (i32.sub
                (local.get $l3)
                (i32.const 1)))
            (br $B3)))
        (br $B3))
      (local.set $l3
        (i32.sub
          (local.get $l3)
          (i32.const 1)))
      (local.set $l13
        (local.get $l11))
      (local.set $l11
        (i32.add
          (local.get $l13)
          (i32.const 1)))
      (local.set $l4
        (i32.add
          (local.get $p2)
          (i32.const 12)))
      (br $B2))
    (i32.store offset=8 align=1
      (local.get $p0)
      (local.get $l10))
    (i32.store offset=4 align=1
      (local.get $p0)
      (local.get $l11))
    (i32.store offset=64 align=1
      (local.get $p0)
      (local.get $l6))
    (i32.store offset=68 align=1
      (local.get $p0)
      (local.get $l7))
    (i32.store offset=72 align=1
      (local.get $p0)
      (local.get $l8))
    (i32.store offset=76 align=1
      (local.get $p0)
      (local.get $l9))
    (i32.store offset=96 align=1
      (local.get $p0)
      (local.get $l3))
    (local.get $l4)))
