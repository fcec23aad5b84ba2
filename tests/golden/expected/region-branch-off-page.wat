;; A32
;; 000: e3a00001  mov r0, #1
;; 004: ea000ffe  b 0x4004
(module
  (type $t0 (func (param i32 i32 i32 i32) (result i32)))
  (type $t1 (func (param i32 i32 i32) (result i32)))
  (import "env" "memory" (memory $env.memory 1 65536))
  (import "env" "single" (func $single (type $t0)))
  (import "env" "via" (func $via (type $t0)))
  (func $r0 (export "r0") (type $t1) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32)
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
      (i32.load align=1
        (local.get $p0)))
    (block $B2
      (local.set $l3
        (i32.sub
          (local.get $l3)
          (i32.const 2)))
      (local.set $l5
        (i32.const 1))
      (local.set $l4
        (i32.add
          (local.get $p2)
          (i32.const 16388)))
      (br $B2))
    (i32.store align=1
      (local.get $p0)
      (local.get $l5))
    (i32.store offset=96 align=1
      (local.get $p0)
      (local.get $l3))
    (local.get $l4)))
