;; A32
;; 000: e0921203  adds r1, r2, r3, lsl #4
  (func $ADD__register_.8 (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32) (local $l6 i32)
    (local.set $l3
      (i32.load align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (i32.and
              (i32.shr_u
                (local.get $p1)
                (i32.const 16))
              (i32.const 15))
            (i32.const 2)))))
    (local.set $l4
      (i32.load align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (i32.and
              (local.get $p1)
              (i32.const 15))
            (i32.const 2)))))
    (local.set $l5
      (i32.shl
        (local.get $l4)
        (i32.and
          (i32.shr_u
            (local.get $p1)
            (i32.const 7))
          (i32.const 31))))
    (local.set $l6
      (i32.add
        (local.get $l3)
        (local.get $l5)))
    (i32.store offset=64 align=1
      (local.get $p0)
      (local.get $l6))
    (i32.store offset=68 align=1
      (local.get $p0)
      (local.get $l6))
    (i32.store offset=72 align=1
      (local.get $p0)
      (i32.lt_u
        (local.get $l6)
        (local.get $l3)))
    (i32.store offset=76 align=1
      (local.get $p0)
      (i32.and
        (i32.xor
          (local.get $l3)
          (local.get $l6))
        (i32.xor
          (local.get $l5)
          (local.get $l6))))
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
      (local.get $l6))
    (i32.add
      (local.get $p2)
      (i32.const 4)))
