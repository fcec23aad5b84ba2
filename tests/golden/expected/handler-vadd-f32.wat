;; A32
;; 000: ee310a02  vadd.f32 s0, s2, s4
  (func $VADD__floating-point_ (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32) (local $l6 i32) (local $l7 i32) (local $l8 f32) (local $l9 i32) (local $l10 i32) (local $l11 i32)
    (local.set $l3
      (i32.and
        (i32.shr_u
          (local.get $p1)
          (i32.const 22))
        (i32.const 1)))
    (local.set $l4
      (i32.and
        (i32.shr_u
          (local.get $p1)
          (i32.const 12))
        (i32.const 15)))
    (local.set $l5
      (i32.load offset=172 align=1
        (local.get $p0)))
    (if $I0
      (i32.eqz
        (local.get $l5))
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
    (local.set $l6
      (i32.load offset=512 align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (i32.or
              (i32.shl
                (i32.and
                  (i32.shr_u
                    (local.get $p1)
                    (i32.const 16))
                  (i32.const 15))
                (i32.const 1))
              (i32.and
                (i32.shr_u
                  (local.get $p1)
                  (i32.const 7))
                (i32.const 1)))
            (i32.const 2)))))
    (local.set $l7
      (i32.load offset=512 align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (i32.or
              (i32.shl
                (i32.and
                  (local.get $p1)
                  (i32.const 15))
                (i32.const 1))
              (i32.and
                (i32.shr_u
                  (local.get $p1)
                  (i32.const 5))
                (i32.const 1)))
            (i32.const 2)))))
    (local.set $l8
      (f32.add
        (f32.reinterpret_i32
          (local.get $l6))
        (f32.reinterpret_i32
          (local.get $l7))))
    (local.set $l9
      (i32.load offset=164 align=1
        (local.get $p0)))
    (if $I2
      (i32.and
        (i32.eq
          (i32.and
            (local.get $l9)
            (i32.const 32964624))
          (i32.const 16))
        (f32.lt
          (f32.abs
            (local.get $l8))
          (f32.reinterpret_i32
            (i32.const 2139095040))))
      (then
        (i32.store offset=512 align=1
          (i32.add
            (local.get $p0)
            (i32.shl
              (i32.or
                (i32.shl
                  (local.get $l4)
                  (i32.const 1))
                (local.get $l3))
              (i32.const 2)))
          (i32.reinterpret_f32
            (local.get $l8))))
      (else
        (local.set $l10
          (i32.load offset=164 align=1
            (local.get $p0)))
        (if $I3
          (i32.and
            (local.get $l10)
            (i32.const 3604480))
          (then
            (call $exception
              (local.get $p0)
              (i32.const 0)
              (i32.const 0))
            (if $I4
              (i32.load offset=132 align=1
                (local.get $p0))
              (then
                (return
                  (i32.load offset=136 align=1
                    (local.get $p0)))))))
        (local.set $l11
          (call $fpAdd32
            (local.get $p0)
            (local.get $l6)
            (local.get $l7)))
        (i32.store offset=512 align=1
          (i32.add
            (local.get $p0)
            (i32.shl
              (i32.or
                (i32.shl
                  (local.get $l4)
                  (i32.const 1))
                (local.get $l3))
              (i32.const 2)))
          (local.get $l11))))
    (i32.add
      (local.get $p2)
      (i32.const 4)))
