;; T32
;; 000: bf0c      ite eq
  (func $IT (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (i32.store offset=92 align=1
      (local.get $p0)
      (i32.or
        (i32.shl
          (i32.and
            (i32.shr_u
              (local.get $p1)
              (i32.const 4))
            (i32.const 15))
          (i32.const 4))
        (i32.and
          (local.get $p1)
          (i32.const 15))))
    (i32.store offset=100 align=1
      (local.get $p0)
      (i32.const 1))
    (i32.add
      (local.get $p2)
      (i32.const 2)))
