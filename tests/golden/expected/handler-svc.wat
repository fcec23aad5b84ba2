;; A32
;; 000: ef000000  svc 0x00000000
  (func $SVC (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (call $exception
      (local.get $p0)
      (i32.const 1)
      (i32.and
        (local.get $p1)
        (i32.const 16777215)))
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
