;; A32
;; 000: e6a71012  ssat r1, #8, r2
  (func $SSAT (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32) (local $l6 i32) (local $l7 i32)
    (local.set $l3
      (i32.load align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (i32.and
              (local.get $p1)
              (i32.const 15))
            (i32.const 2)))))
    (local.set $l4
      (i32.shl
        (local.get $l3)
        (i32.and
          (i32.shr_u
            (local.get $p1)
            (i32.const 7))
          (i32.const 31))))
    (local.set $l5
      (i32.sub
        (i32.shl
          (i32.const 1)
          (i32.and
            (i32.shr_u
              (local.get $p1)
              (i32.const 16))
            (i32.const 31)))
        (i32.const 1)))
    (local.set $l6
      (i32.xor
        (local.get $l5)
        (i32.const -1)))
    (local.set $l7
      (select
        (local.get $l6)
        (select
          (local.get $l5)
          (local.get $l4)
          (i32.gt_s
            (local.get $l4)
            (local.get $l5)))
        (i32.lt_s
          (local.get $l4)
          (local.get $l6))))
    (if $I0
      (i32.ne
        (local.get $l7)
        (local.get $l4))
      (then
        (i32.store offset=80 align=1
          (local.get $p0)
          (i32.const 1))))
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
      (local.get $l7))
    (i32.add
      (local.get $p2)
      (i32.const 4)))
