;; A32
;; 000: e1b01332  lsrs r1, r2, r3
  (func $MOV__register-shifted_register_.5 (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32) (local $l6 i32) (local $l7 i32) (local $l8 i32) (local $l9 i32) (local $l10 i32)
    (local.set $l3
      (i32.and
        (i32.shr_u
          (local.get $p1)
          (i32.const 12))
        (i32.const 15)))
    (local.set $l4
      (i32.load align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (i32.and
              (local.get $p1)
              (i32.const 15))
            (i32.const 2)))))
    (local.set $l5
      (i32.load align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (i32.and
              (i32.shr_u
                (local.get $p1)
                (i32.const 8))
              (i32.const 15))
            (i32.const 2)))))
    (local.set $l6
      (i32.and
        (local.get $l5)
        (i32.const 255)))
    (local.set $l7
      (select
        (i32.shr_u
          (local.get $l4)
          (local.get $l6))
        (i32.const 0)
        (i32.lt_u
          (local.get $l6)
          (i32.const 32))))
    (local.set $l8
      (i32.load offset=72 align=1
        (local.get $p0)))
    (if $I0
      (i32.eq
        (local.get $l3)
        (i32.const 15))
      (then
        (local.set $l9
          (i32.load offset=88 align=1
            (local.get $p0)))
        (local.set $l10
          (i32.and
            (local.get $l9)
            (i32.const 15)))
        (if $I1
          (i32.or
            (i32.eqz
              (local.get $l10))
            (i32.eq
              (local.get $l10)
              (i32.const 15)))
          (then
            (call $exception
              (local.get $p0)
              (i32.const 0)
              (i32.const 0))
            (if $I2
              (i32.load offset=132 align=1
                (local.get $p0))
              (then
                (return
                  (i32.load offset=136 align=1
                    (local.get $p0)))))))
        (call $exceptionReturn
          (local.get $p0)
          (local.get $l7))
        (if $I3
          (i32.load offset=132 align=1
            (local.get $p0))
          (then
            (return
              (i32.load offset=136 align=1
                (local.get $p0))))))
      (else
        (i32.store offset=64 align=1
          (local.get $p0)
          (local.get $l7))
        (i32.store offset=68 align=1
          (local.get $p0)
          (local.get $l7))
        (i32.store offset=72 align=1
          (local.get $p0)
          (select
            (local.get $l8)
            (select
              (i32.const 0)
              (i32.and
                (i32.shr_u
                  (local.get $l4)
                  (i32.sub
                    (local.get $l6)
                    (i32.const 1)))
                (i32.const 1))
              (i32.gt_u
                (local.get $l6)
                (i32.const 32)))
            (i32.eqz
              (local.get $l6))))
        (i32.store align=1
          (i32.add
            (local.get $p0)
            (i32.shl
              (local.get $l3)
              (i32.const 2)))
          (local.get $l7))))
    (i32.add
      (local.get $p2)
      (i32.const 4)))
