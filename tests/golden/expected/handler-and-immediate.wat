;; A32
;; 000: e20210ff  and r1, r2, #255
  (func $AND__immediate_ (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32)
    (local.set $l3
      (i32.and
        (local.get $p1)
        (i32.const 4095)))
    (local.set $l4
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
      (i32.and
        (local.get $l4)
        (i32.rotr
          (i32.and
            (local.get $l3)
            (i32.const 255))
          (i32.shl
            (i32.shr_u
              (local.get $l3)
              (i32.const 8))
            (i32.const 1)))))
    (i32.add
      (local.get $p2)
      (i32.const 4)))
