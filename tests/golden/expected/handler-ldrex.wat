;; A32
;; 000: e1921f9f  ldrex r1, [r2]
  (func $LDREX (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32)
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
    (local.set $l5
      (if $I0 (result i32)
        (i32.and
          (i32.or
            (local.tee $l4
              (i32.xor
                (i32.load align=1
                  (i32.add
                    (i32.load offset=116 align=1
                      (local.get $p0))
                    (i32.shl
                      (i32.shr_u
                        (local.get $l3)
                        (i32.const 12))
                      (i32.const 2))))
                (i32.const 1)))
            (local.get $l3))
          (i32.const 3))
        (then
          (call $load
            (local.get $p0)
            (local.get $l3)
            (i32.const 68))
          (if $I1
            (i32.load offset=132 align=1
              (local.get $p0))
            (then
              (return
                (i32.load offset=136 align=1
                  (local.get $p0))))))
        (else
          (i32.load align=1
            (i32.add
              (local.get $l3)
              (local.get $l4))))))
    (i32.store offset=144 align=1
      (local.get $p0)
      (local.get $l3))
    (i32.store offset=148 align=1
      (local.get $p0)
      (i32.const 4))
    (i32.store offset=152 align=1
      (local.get $p0)
      (local.get $l5))
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
      (local.get $l5))
    (i32.add
      (local.get $p2)
      (i32.const 4)))
