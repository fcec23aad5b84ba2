;; A32
;; 000: f2220844  vadd.i32 q0, q1, q2
  (func $VADD__integer_.2 (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 v128) (local $l5 v128) (local $l6 v128) (local $l7 i32)
    (local.set $l3
      (i32.load offset=172 align=1
        (local.get $p0)))
    (if $I0
      (i32.eqz
        (local.get $l3))
      (then
        (call $exception
          (local.get $p0)
          (i32.const 0)
          (i32.const 0))
        (if $I1
          (i32.load offset=132 align=1
            (local.get $p0))
          (then
            (return
              (i32.load offset=136 align=1
                (local.get $p0)))))))
    (local.set $l4
      (v128.load offset=512 align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (i32.or
              (i32.shl
                (i32.and
                  (i32.shr_u
                    (local.get $p1)
                    (i32.const 7))
                  (i32.const 1))
                (i32.const 4))
              (i32.and
                (i32.shr_u
                  (local.get $p1)
                  (i32.const 16))
                (i32.const 15)))
            (i32.const 3)))))
    (local.set $l5
      (v128.load offset=512 align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (i32.or
              (i32.shl
                (i32.and
                  (i32.shr_u
                    (local.get $p1)
                    (i32.const 5))
                  (i32.const 1))
                (i32.const 4))
              (i32.and
                (local.get $p1)
                (i32.const 15)))
            (i32.const 3)))))
    (local.set $l6
      (i32x4.add
        (local.get $l4)
        (local.get $l5)))
    (local.set $l7
      (i32.or
        (i32.shl
          (i32.and
            (i32.shr_u
              (local.get $p1)
              (i32.const 22))
            (i32.const 1))
          (i32.const 4))
        (i32.and
          (i32.shr_u
            (local.get $p1)
            (i32.const 12))
          (i32.const 15))))
    (if $I2
      (i32.and
        (i32.shr_u
          (local.get $p1)
          (i32.const 6))
        (i32.const 1))
      (then
        (v128.store offset=512 align=1
          (i32.add
            (local.get $p0)
            (i32.shl
              (local.get $l7)
              (i32.const 3)))
          (local.get $l6)))
      (else
        (i64.store offset=512 align=1
          (i32.add
            (local.get $p0)
            (i32.shl
              (local.get $l7)
              (i32.const 3)))
          (i64x2.extract_lane 0
            (local.get $l6)))))
    (i32.add
      (local.get $p2)
      (i32.const 4)))
