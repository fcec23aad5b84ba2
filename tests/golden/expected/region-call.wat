;; A32
;; 000: e1a0400e  mov r4, lr
;; 004: eb000002  bl 0x14
;; 008: e2800001  add r0, r0, #1
;; 00c: e12fff14  bx r4
;; 010: e320f000  nop {0}
;; 014: e3a00007  mov r0, #7
;; 018: e12fff1e  bx lr
(module
  (type $t0 (func (param i32 i32 i32 i32) (result i32)))
  (type $t1 (func (param i32 i32 i32) (result i32)))
  (import "env" "memory" (memory $env.memory 1 65536))
  (import "env" "single" (func $single (type $t0)))
  (import "env" "via" (func $via (type $t0)))
  (func $r0 (export "r0") (type $t1) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32) (local $l6 i32) (local $l7 i32) (local $l8 i32) (local $l9 i32) (local $l10 i32) (local $l11 i32)
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
    (local.set $l6
      (i32.load offset=16 align=1
        (local.get $p0)))
    (local.set $l7
      (i32.load align=1
        (local.get $p0)))
    (block $B2
      (local.set $l3
        (i32.sub
          (local.get $l3)
          (i32.const 2)))
      (local.set $l8
        (local.get $l5))
      (local.set $l6
        (local.get $l8))
      (local.set $l5
        (i32.add
          (local.get $p2)
          (i32.const 8)))
      (if $I3
        (i32.ge_u
          (i32.load offset=352 align=1
            (local.get $p0))
          (i32.const 100))
        (then
          (local.set $l4
            (i32.add
              (local.get $p2)
              (i32.const 20)))
          (br $B2)))
      (if $I4
        (i32.ge_u
          (i32.sub
            (local.tee $l9
              (i32.load16_u align=1
                (i32.const 2097172)))
            (i32.const 4096))
          (i32.const 28672))
        (then
          (local.set $l4
            (i32.add
              (local.get $p2)
              (i32.const 20)))
          (br $B2)))
      (i32.store offset=56 align=1
        (local.get $p0)
        (local.get $l5))
      (i32.store offset=16 align=1
        (local.get $p0)
        (local.get $l6))
      (i32.store align=1
        (local.get $p0)
        (local.get $l7))
      (i32.store offset=96 align=1
        (local.get $p0)
        (local.get $l3))
      (i32.store offset=352 align=1
        (local.get $p0)
        (i32.add
          (i32.load offset=352 align=1
            (local.get $p0))
          (i32.const 1)))
      (local.set $l9
        (call $via
          (local.get $p0)
          (i32.const 0)
          (i32.add
            (local.get $p2)
            (i32.const 20))
          (local.get $l9)))
      (i32.store offset=352 align=1
        (local.get $p0)
        (i32.add
          (i32.load offset=352 align=1
            (local.get $p0))
          (i32.const -1)))
      (if $I5
        (i32.or
          (i32.ne
            (local.get $l9)
            (i32.add
              (local.get $p2)
              (i32.const 8)))
          (i32.eq
            (i32.load offset=100 align=1
              (local.get $p0))
            (i32.const 1)))
        (then
          (return
            (local.get $l9))))
      (local.set $l3
        (i32.load offset=96 align=1
          (local.get $p0)))
      (local.set $l5
        (i32.load offset=56 align=1
          (local.get $p0)))
      (local.set $l6
        (i32.load offset=16 align=1
          (local.get $p0)))
      (local.set $l7
        (i32.load align=1
          (local.get $p0)))
      (if $I6
        (i32.lt_s
          (local.get $l3)
          (i32.const 2))
        (then
          (local.set $l4
            (i32.add
              (local.get $p2)
              (i32.const 8)))
          (br $B2)))
      (local.set $l3
        (i32.sub
          (local.get $l3)
          (i32.const 2)))
      (local.set $l8
        (local.get $l7))
      (local.set $l7
        (i32.add
          (local.get $l8)
          (i32.const 1)))
      (local.set $l8
        (local.get $l6))
      (local.set $l10
        (i32.and
          (local.get $l8)
          (i32.const 1)))
      (if $I7
        (local.get $l10)
        (then
          (local.set $l11
            (i32.load offset=88 align=1
              (local.get $p0)))
          (i32.store offset=88 align=1
            (local.get $p0)
            (i32.or
              (local.get $l11)
              (i32.const 32)))
          (i32.store offset=100 align=1
            (local.get $p0)
            (i32.const 1))))
      (local.set $l4
        (i32.and
          (local.get $l8)
          (select
            (i32.const -2)
            (i32.const -4)
            (local.get $l10))))
      (br $B2)
      (unreachable))
    (i32.store offset=56 align=1
      (local.get $p0)
      (local.get $l5))
    (i32.store offset=16 align=1
      (local.get $p0)
      (local.get $l6))
    (i32.store align=1
      (local.get $p0)
      (local.get $l7))
    (i32.store offset=96 align=1
      (local.get $p0)
      (local.get $l3))
    (local.get $l4)))
