;; A32
;; 000: f10c0080  cpsid i
  (func $CPS.6 (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32) (local $l6 i32)
    (local.set $l3
      (i32.load offset=88 align=1
        (local.get $p0)))
    (if $I0
      (i32.ne
        (i32.and
          (local.get $l3)
          (i32.const 15))
        (i32.const 0))
      (then
        (local.set $l4
          (i32.load offset=88 align=1
            (local.get $p0)))
        (local.set $l5
          (i32.xor
            (local.get $l4)
            (i32.and
              (i32.xor
                (local.get $l4)
                (i32.const -1))
              (i32.or
                (i32.or
                  (i32.shl
                    (i32.and
                      (i32.shr_u
                        (local.get $p1)
                        (i32.const 8))
                      (i32.const 1))
                    (i32.const 8))
                  (i32.shl
                    (i32.and
                      (i32.shr_u
                        (local.get $p1)
                        (i32.const 7))
                      (i32.const 1))
                    (i32.const 7)))
                (i32.shl
                  (i32.and
                    (i32.shr_u
                      (local.get $p1)
                      (i32.const 6))
                    (i32.const 1))
                  (i32.const 6))))))
        (i32.store offset=88 align=1
          (local.get $p0)
          (local.get $l5))
        (local.set $l6
          (i32.load offset=140 align=1
            (local.get $p0)))
        (if $I1
          (i32.and
            (local.get $l6)
            (i32.xor
              (local.get $l5)
              (i32.const -1)))
          (then
            (i32.store offset=128 align=1
              (local.get $p0)
              (i32.const 1))
            (i32.store offset=100 align=1
              (local.get $p0)
              (i32.const 1))))))
    (i32.add
      (local.get $p2)
      (i32.const 4)))
