;; A32
;; 000: e12fff33  blx r3
  (func $BLX__register_ (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32)
    (local.set $l3
      (i32.load align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (i32.and
              (local.get $p1)
              (i32.const 15))
            (i32.const 2)))))
    (i32.store offset=56 align=1
      (local.get $p0)
      (i32.add
        (local.get $p2)
        (i32.const 4)))
    (local.set $l4
      (i32.and
        (local.get $l3)
        (i32.const 1)))
    (if $I0
      (local.get $l4)
      (then
        (local.set $l5
          (i32.load offset=88 align=1
            (local.get $p0)))
        (i32.store offset=88 align=1
          (local.get $p0)
          (i32.or
            (local.get $l5)
            (i32.const 32)))
        (i32.store offset=100 align=1
          (local.get $p0)
          (i32.const 1))))
    (return
      (i32.and
        (local.get $l3)
        (select
          (i32.const -2)
          (i32.const -4)
          (local.get $l4))))
    (i32.add
      (local.get $p2)
      (i32.const 4)))
