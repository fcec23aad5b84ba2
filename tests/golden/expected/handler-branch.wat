;; A32
;; 000: ea000000  b 0x8
  (func $B (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (return
      (i32.add
        (i32.add
          (local.get $p2)
          (i32.const 8))
        (i32.shr_s
          (i32.shl
            (i32.and
              (local.get $p1)
              (i32.const 16777215))
            (i32.const 8))
          (i32.const 6))))
    (i32.add
      (local.get $p2)
      (i32.const 4)))
