;; T32
;; 000: 1888      adds r0, r1, r2
  (func $ADD__register_ (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32)
    (local.set $l3
      (i32.load align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (i32.and
              (i32.shr_u
                (local.get $p1)
                (i32.const 3))
              (i32.const 7))
            (i32.const 2)))))
    (local.set $l4
      (i32.load align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (i32.and
              (i32.shr_u
                (local.get $p1)
                (i32.const 6))
              (i32.const 7))
            (i32.const 2)))))
    (local.set $l5
      (i32.add
        (local.get $l3)
        (local.get $l4)))
    (i32.store offset=64 align=1
      (local.get $p0)
      (local.get $l5))
    (i32.store offset=68 align=1
      (local.get $p0)
      (local.get $l5))
    (i32.store offset=72 align=1
      (local.get $p0)
      (i32.lt_u
        (local.get $l5)
        (local.get $l3)))
    (i32.store offset=76 align=1
      (local.get $p0)
      (i32.and
        (i32.xor
          (local.get $l3)
          (local.get $l5))
        (i32.xor
          (local.get $l4)
          (local.get $l5))))
    (i32.store align=1
      (i32.add
        (local.get $p0)
        (i32.shl
          (i32.and
            (local.get $p1)
            (i32.const 7))
          (i32.const 2)))
      (local.get $l5))
    (i32.add
      (local.get $p2)
      (i32.const 2)))
