;; A32
;; 000: e1c210b2  strh r1, [r2, #2]
  (func $STRH__immediate_.6 (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
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
              (i32.shr_u
                (local.get $p1)
                (i32.const 12))
              (i32.const 15))
            (i32.const 2)))))
    (local.set $l5
      (i32.add
        (local.get $l3)
        (i32.or
          (i32.shl
            (i32.and
              (i32.shr_u
                (local.get $p1)
                (i32.const 8))
              (i32.const 15))
            (i32.const 4))
          (i32.and
            (local.get $p1)
            (i32.const 15)))))
    (if $I0
      (i32.and
        (i32.or
          (local.tee $l6
            (i32.xor
              (i32.load align=1
                (i32.add
                  (i32.load offset=120 align=1
                    (local.get $p0))
                  (i32.shl
                    (i32.shr_u
                      (local.get $l5)
                      (i32.const 12))
                    (i32.const 2))))
              (i32.const 1)))
          (local.get $l5))
        (i32.const 1))
      (then
        (call $store
          (local.get $p0)
          (local.get $l5)
          (local.get $l4)
          (i32.const 2))
        (if $I1
          (i32.load offset=132 align=1
            (local.get $p0))
          (then
            (return
              (i32.load offset=136 align=1
                (local.get $p0))))))
      (else
        (i32.store16 align=1
          (i32.add
            (local.get $l5)
            (local.get $l6))
          (local.get $l4))))
    (i32.add
      (local.get $p2)
      (i32.const 4)))
