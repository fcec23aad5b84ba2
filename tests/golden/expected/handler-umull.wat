;; A32
;; 000: e0810293  umull r0, r1, r3, r2
  (func $UMULL (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i64)
    (local.set $l3
      (i32.load align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (i32.and
              (local.get $p1)
              (i32.const 15))
            (i32.const 2)))))
    (local.set $l4
      (i32.load align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (i32.and
              (i32.shr_u
                (local.get $p1)
                (i32.const 8))
              (i32.const 15))
            (i32.const 2)))))
    (local.set $l5
      (i64.mul
        (i64.extend_i32_u
          (local.get $l3))
        (i64.extend_i32_u
          (local.get $l4))))
    (i32.store align=1
      (i32.add
        (local.get $p0)
        (i32.shl
          (i32.and
            (i32.shr_u
              (local.get $p1)
              (i32.const 12))
            (i32.const 15))
          (i32.const 2)))
      (i32.wrap_i64
        (local.get $l5)))
    (i32.store align=1
      (i32.add
        (local.get $p0)
        (i32.shl
          (i32.and
            (i32.shr_u
              (local.get $p1)
              (i32.const 16))
            (i32.const 15))
          (i32.const 2)))
      (i32.wrap_i64
        (i64.shr_u
          (local.get $l5)
          (i64.const 32))))
    (i32.add
      (local.get $p2)
      (i32.const 4)))
