;; A32
;; 000: ee010f10  mcr 15, 0, r0, cr1, cr0, {0}
  (func $MCR (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (call $coprocessor
      (local.get $p0)
      (i32.or
        (i32.and
          (local.get $p1)
          (i32.const 15))
        (i32.or
          (i32.shl
            (i32.and
              (i32.shr_u
                (local.get $p1)
                (i32.const 5))
              (i32.const 7))
            (i32.const 5))
          (i32.or
            (i32.shl
              (i32.and
                (i32.shr_u
                  (local.get $p1)
                  (i32.const 8))
                (i32.const 1))
              (i32.const 8))
            (i32.or
              (i32.shl
                (i32.and
                  (i32.shr_u
                    (local.get $p1)
                    (i32.const 12))
                  (i32.const 15))
                (i32.const 12))
              (i32.or
                (i32.shl
                  (i32.and
                    (i32.shr_u
                      (local.get $p1)
                      (i32.const 16))
                    (i32.const 15))
                  (i32.const 16))
                (i32.or
                  (i32.shl
                    (i32.and
                      (i32.shr_u
                        (local.get $p1)
                        (i32.const 21))
                      (i32.const 7))
                    (i32.const 21))
                  (i32.const -301986288))))))))
    (if $I0
      (i32.load offset=132 align=1
        (local.get $p0))
      (then
        (return
          (i32.load offset=136 align=1
            (local.get $p0)))))
    (i32.add
      (local.get $p2)
      (i32.const 4)))
