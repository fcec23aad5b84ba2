;; A32
;; 000: f4200a8d  vld1.32 {d0-d1}, [r0]!
;; 004: f2200842  vadd.i32 q0, q0, q1
;; 008: f4010a8f  vst1.32 {d0-d1}, [r1]
;; 00c: e12fff1e  bx lr
(module
  (type $t0 (func (param i32 i32 i32 i32) (result i32)))
  (type $t1 (func (param i32 i32 i32) (result i32)))
  (import "env" "memory" (memory $env.memory 1 65536))
  (import "env" "single" (func $single (type $t0)))
  (import "env" "via" (func $via (type $t0)))
  (func $r0 (export "r0") (type $t1) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32) (local $l6 i32) (local $l7 i32) (local $l8 i32) (local $l9 i32) (local $l10 i32) (local $l11 i32) (local $l12 i32) (local $l13 i32) (local $l14 i32) (local $l15 v128) (local $l16 i32) (local $l17 i32) (local $l18 i32) (local $l19 i32) (local $l20 i32) (local $l21 i32) (local $l22 i32) (local $l23 i32) (local $l24 i32) (local $l25 i32) (local $l26 i32) (local $l27 v128)
    (if $I0
      (i32.lt_s
        (local.tee $l3
          (i32.add
            (i32.load offset=96 align=1
              (local.get $p0))
            (i32.ne
              (local.get $p1)
              (i32.const 0))))
        (i32.const 4))
      (then
        (if $I1
          (i32.eqz
            (local.get $p1))
          (then
            (return
              (local.get $p2))))
        (return
          (call $single
            (local.get $p0)
            (local.get $p1)
            (local.get $p2)
            (i32.const 5)))))
    (local.set $l6
      (i32.load offset=116 align=1
        (local.get $p0)))
    (local.set $l8
      (i32.load offset=120 align=1
        (local.get $p0)))
    (local.set $l5
      (i32.load align=1
        (local.get $p0)))
    (local.set $l7
      (i32.load offset=4 align=1
        (local.get $p0)))
    (local.set $l9
      (i32.load offset=56 align=1
        (local.get $p0)))
    (block $B2
      (local.set $l3
        (i32.sub
          (local.get $l3)
          (i32.const 4)))
      (local.set $l10
        (i32.load offset=172 align=1
          (local.get $p0)))
      (if $I3
        (i32.eqz
          (local.get $l10))
        (then
          (local.set $l3
            (i32.add
              (local.get $l3)
              (i32.const 4)))
          (local.set $l11
            (i32.const 1))
          (local.set $l4
            (local.get $p2))
          (br $B2)
          (unreachable)))
      (local.set $l12
        (local.get $l5))
      (local.set $l14
        (select
          (i32.sub
            (i32.add
              (local.tee $l13
                (i32.load align=1
                  (i32.add
                    (local.get $l6)
                    (i32.shl
                      (i32.shr_u
                        (local.get $l12)
                        (i32.const 12))
                      (i32.const 2)))))
              (local.get $l12))
            (i32.const 1))
          (i32.const 0)
          (i32.and
            (i32.and
              (i32.le_u
                (i32.and
                  (local.get $l12)
                  (i32.const 4095))
                (i32.const 4080))
              (local.get $l13))
            (i32.eqz
              (i32.and
                (local.get $l12)
                (i32.const 3))))))
      (if $I4
        (local.get $l14)
        (then
          (local.set $l15
            (v128.load align=1
              (local.get $l14)))
          (v128.store offset=512 align=1
            (local.get $p0)
            (local.get $l15)))
        (else
          (local.set $l17
            (if $I5 (result i32)
              (i32.and
                (i32.or
                  (local.tee $l16
                    (i32.xor
                      (i32.load align=1
                        (i32.add
                          (local.get $l6)
                          (i32.shl
                            (i32.shr_u
                              (local.get $l12)
                              (i32.const 12))
                            (i32.const 2))))
                      (i32.const 1)))
                  (local.get $l12))
                (i32.const 3))
              (then
                (if $I6
                  (i32.or
                    (i32.or
                      (i32.and
                        (local.get $l16)
                        (i32.const 1))
                      (i32.and
                        (i32.load offset=1024 align=1
                          (local.get $p0))
                        (i32.const 2)))
                    (i32.gt_u
                      (i32.and
                        (local.get $l12)
                        (i32.const 4095))
                      (i32.const 4092)))
                  (then
                    (local.set $l3
                      (i32.add
                        (local.get $l3)
                        (i32.const 4)))
                    (local.set $l11
                      (i32.const 1))
                    (local.set $l4
                      (local.get $p2))
                    (br $B2)))
                (i32.load align=1
                  (i32.add
                    (local.get $l12)
                    (local.get $l16))))
              (else
                (i32.load align=1
                  (i32.add
                    (local.get $l12)
                    (local.get $l16))))))
          (local.set $l18
            (i32.add
              (local.get $l12)
              (i32.const 4)))
          (local.set $l20
            (if $I7 (result i32)
              (i32.and
                (i32.or
                  (local.tee $l19
                    (i32.xor
                      (i32.load align=1
                        (i32.add
                          (local.get $l6)
                          (i32.shl
                            (i32.shr_u
                              (local.get $l18)
                              (i32.const 12))
                            (i32.const 2))))
                      (i32.const 1)))
                  (local.get $l18))
                (i32.const 3))
              (then
                (if $I8
                  (i32.or
                    (i32.or
                      (i32.and
                        (local.get $l19)
                        (i32.const 1))
                      (i32.and
                        (i32.load offset=1024 align=1
                          (local.get $p0))
                        (i32.const 2)))
                    (i32.gt_u
                      (i32.and
                        (local.get $l18)
                        (i32.const 4095))
                      (i32.const 4092)))
                  (then
                    (local.set $l3
                      (i32.add
                        (local.get $l3)
                        (i32.const 4)))
                    (local.set $l11
                      (i32.const 1))
                    (local.set $l4
                      (local.get $p2))
                    (br $B2)))
                (i32.load align=1
                  (i32.add
                    (local.get $l18)
                    (local.get $l19))))
              (else
                (i32.load align=1
                  (i32.add
                    (local.get $l18)
                    (local.get $l19))))))
          (local.set $l21
            (i32.add
              (local.get $l12)
              (i32.const 8)))
          (local.set $l23
            (if $I9 (result i32)
              (i32.and
                (i32.or
                  (local.tee $l22
                    (i32.xor
                      (i32.load align=1
                        (i32.add
                          (local.get $l6)
                          (i32.shl
                            (i32.shr_u
                              (local.get $l21)
                              (i32.const 12))
                            (i32.const 2))))
                      (i32.const 1)))
                  (local.get $l21))
                (i32.const 3))
              (then
                (if $I10
                  (i32.or
                    (i32.or
                      (i32.and
                        (local.get $l22)
                        (i32.const 1))
                      (i32.and
                        (i32.load offset=1024 align=1
                          (local.get $p0))
                        (i32.const 2)))
                    (i32.gt_u
                      (i32.and
                        (local.get $l21)
                        (i32.const 4095))
                      (i32.const 4092)))
                  (then
                    (local.set $l3
                      (i32.add
                        (local.get $l3)
                        (i32.const 4)))
                    (local.set $l11
                      (i32.const 1))
                    (local.set $l4
                      (local.get $p2))
                    (br $B2)))
                (i32.load align=1
                  (i32.add
                    (local.get $l21)
                    (local.get $l22))))
              (else
                (i32.load align=1
                  (i32.add
                    (local.get $l21)
                    (local.get $l22))))))
          (local.set $l24
            (i32.add
              (local.get $l12)
              (i32.const 12)))
          (local.set $l26
            (if $I11 (result i32)
              (i32.and
                (i32.or
                  (local.tee $l25
                    (i32.xor
                      (i32.load align=1
                        (i32.add
                          (local.get $l6)
                          (i32.shl
                            (i32.shr_u
                              (local.get $l24)
                              (i32.const 12))
                            (i32.const 2))))
                      (i32.const 1)))
                  (local.get $l24))
                (i32.const 3))
              (then
                (if $I12
                  (i32.or
                    (i32.or
                      (i32.and
                        (local.get $l25)
                        (i32.const 1))
                      (i32.and
                        (i32.load offset=1024 align=1
                          (local.get $p0))
                        (i32.const 2)))
                    (i32.gt_u
                      (i32.and
                        (local.get $l24)
                        (i32.const 4095))
                      (i32.const 4092)))
                  (then
                    (local.set $l3
                      (i32.add
                        (local.get $l3)
                        (i32.const 4)))
                    (local.set $l11
                      (i32.const 1))
                    (local.set $l4
                      (local.get $p2))
                    (br $B2)))
                (i32.load align=1
                  (i32.add
                    (local.get $l24)
                    (local.get $l25))))
              (else
                (i32.load align=1
                  (i32.add
                    (local.get $l24)
                    (local.get $l25))))))
          (v128.store offset=512 align=1
            (local.get $p0)
            (i32x4.replace_lane 3
              (i32x4.replace_lane 2
                (i32x4.replace_lane 1
                  (i32x4.splat
                    (local.get $l17))
                  (local.get $l20))
                (local.get $l23))
              (local.get $l26)))))
      (local.set $l5
        (i32.add
          (local.get $l12)
          (i32.const 16)))
      (local.set $l26
        (i32.load offset=172 align=1
          (local.get $p0)))
      (if $I13
        (i32.eqz
          (local.get $l26))
        (then
          (local.set $l3
            (i32.add
              (local.get $l3)
              (i32.const 3)))
          (local.set $l4
            (i32.add
              (local.get $p2)
              (i32.const 4)))
          (br $B2)
          (unreachable)))
      (local.set $l15
        (v128.load offset=512 align=1
          (local.get $p0)))
      (local.set $l27
        (v128.load offset=528 align=1
          (local.get $p0)))
      (v128.store offset=512 align=1
        (local.get $p0)
        (i32x4.add
          (local.get $l15)
          (local.get $l27)))
      (local.set $l26
        (i32.load offset=172 align=1
          (local.get $p0)))
      (if $I14
        (i32.eqz
          (local.get $l26))
        (then
          (local.set $l3
            (i32.add
              (local.get $l3)
              (i32.const 2)))
          (local.set $l4
            (i32.add
              (local.get $p2)
              (i32.const 8)))
          (br $B2)
          (unreachable)))
      (local.set $l25
        (local.get $l7))
      (local.set $l23
        (select
          (i32.sub
            (i32.add
              (local.tee $l24
                (i32.load align=1
                  (i32.add
                    (local.get $l8)
                    (i32.shl
                      (i32.shr_u
                        (local.get $l25)
                        (i32.const 12))
                      (i32.const 2)))))
              (local.get $l25))
            (i32.const 1))
          (i32.const 0)
          (i32.and
            (i32.and
              (i32.le_u
                (i32.and
                  (local.get $l25)
                  (i32.const 4095))
                (i32.const 4080))
              (local.get $l24))
            (i32.eqz
              (i32.and
                (local.get $l25)
                (i32.const 3))))))
      (local.set $l27
        (v128.load offset=512 align=1
          (local.get $p0)))
      (if $I15
        (local.get $l23)
        (then
          (v128.store align=1
            (local.get $l23)
            (local.get $l27)))
        (else
          (local.set $l22
            (i32x4.extract_lane 0
              (local.get $l27)))
          (if $I16
            (i32.and
              (i32.or
                (local.tee $l21
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (local.get $l8)
                        (i32.shl
                          (i32.shr_u
                            (local.get $l25)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l25))
              (i32.const 3))
            (then
              (if $I17
                (i32.or
                  (i32.or
                    (i32.and
                      (local.get $l21)
                      (i32.const 1))
                    (i32.and
                      (i32.load offset=1024 align=1
                        (local.get $p0))
                      (i32.const 2)))
                  (i32.gt_u
                    (i32.and
                      (local.get $l25)
                      (i32.const 4095))
                    (i32.const 4092)))
                (then
                  (local.set $l3
                    (i32.add
                      (local.get $l3)
                      (i32.const 2)))
                  (local.set $l4
                    (i32.add
                      (local.get $p2)
                      (i32.const 8)))
                  (br $B2)))
              (i32.store align=1
                (i32.add
                  (local.get $l25)
                  (local.get $l21))
                (local.get $l22)))
            (else
              (i32.store align=1
                (i32.add
                  (local.get $l25)
                  (local.get $l21))
                (local.get $l22))))
          (local.set $l20
            (i32.add
              (local.get $l25)
              (i32.const 4)))
          (local.set $l19
            (i32x4.extract_lane 1
              (local.get $l27)))
          (if $I18
            (i32.and
              (i32.or
                (local.tee $l18
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (local.get $l8)
                        (i32.shl
                          (i32.shr_u
                            (local.get $l20)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l20))
              (i32.const 3))
            (then
              (if $I19
                (i32.or
                  (i32.or
                    (i32.and
                      (local.get $l18)
                      (i32.const 1))
                    (i32.and
                      (i32.load offset=1024 align=1
                        (local.get $p0))
                      (i32.const 2)))
                  (i32.gt_u
                    (i32.and
                      (local.get $l20)
                      (i32.const 4095))
                    (i32.const 4092)))
                (then
                  (local.set $l3
                    (i32.add
                      (local.get $l3)
                      (i32.const 2)))
                  (local.set $l4
                    (i32.add
                      (local.get $p2)
                      (i32.const 8)))
                  (br $B2)))
              (i32.store align=1
                (i32.add
                  (local.get $l20)
                  (local.get $l18))
                (local.get $l19)))
            (else
              (i32.store align=1
                (i32.add
                  (local.get $l20)
                  (local.get $l18))
                (local.get $l19))))
          (local.set $l17
            (i32.add
              (local.get $l25)
              (i32.const 8)))
          (local.set $l16
            (i32x4.extract_lane 2
              (local.get $l27)))
          (if $I20
            (i32.and
              (i32.or
                (local.tee $l14
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (local.get $l8)
                        (i32.shl
                          (i32.shr_u
                            (local.get $l17)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l17))
              (i32.const 3))
            (then
              (if $I21
                (i32.or
                  (i32.or
                    (i32.and
                      (local.get $l14)
                      (i32.const 1))
                    (i32.and
                      (i32.load offset=1024 align=1
                        (local.get $p0))
                      (i32.const 2)))
                  (i32.gt_u
                    (i32.and
                      (local.get $l17)
                      (i32.const 4095))
                    (i32.const 4092)))
                (then
                  (local.set $l3
                    (i32.add
                      (local.get $l3)
                      (i32.const 2)))
                  (local.set $l4
                    (i32.add
                      (local.get $p2)
                      (i32.const 8)))
                  (br $B2)))
              (i32.store align=1
                (i32.add
                  (local.get $l17)
                  (local.get $l14))
                (local.get $l16)))
            (else
              (i32.store align=1
                (i32.add
                  (local.get $l17)
                  (local.get $l14))
                (local.get $l16))))
          (local.set $l13
            (i32.add
              (local.get $l25)
              (i32.const 12)))
          (local.set $l12
            (i32x4.extract_lane 3
              (local.get $l27)))
          (if $I22
            (i32.and
              (i32.or
                (local.tee $l10
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (local.get $l8)
                        (i32.shl
                          (i32.shr_u
                            (local.get $l13)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l13))
              (i32.const 3))
            (then
              (if $I23
                (i32.or
                  (i32.or
                    (i32.and
                      (local.get $l10)
                      (i32.const 1))
                    (i32.and
                      (i32.load offset=1024 align=1
                        (local.get $p0))
                      (i32.const 2)))
                  (i32.gt_u
                    (i32.and
                      (local.get $l13)
                      (i32.const 4095))
                    (i32.const 4092)))
                (then
                  (local.set $l3
                    (i32.add
                      (local.get $l3)
                      (i32.const 2)))
                  (local.set $l4
                    (i32.add
                      (local.get $p2)
                      (i32.const 8)))
                  (br $B2)))
              (i32.store align=1
                (i32.add
                  (local.get $l13)
                  (local.get $l10))
                (local.get $l12)))
            (else
              (i32.store align=1
                (i32.add
                  (local.get $l13)
                  (local.get $l10))
                (local.get $l12))))))
      (local.set $l10
        (local.get $l9))
      (local.set $l12
        (i32.and
          (local.get $l10)
          (i32.const 1)))
      (if $I24
        (local.get $l12)
        (then
          (local.set $l13
            (i32.load offset=88 align=1
              (local.get $p0)))
          (i32.store offset=88 align=1
            (local.get $p0)
            (i32.or
              (local.get $l13)
              (i32.const 32)))
          (i32.store offset=100 align=1
            (local.get $p0)
            (i32.const 1))))
      (local.set $l4
        (i32.and
          (local.get $l10)
          (select
            (i32.const -2)
            (i32.const -4)
            (local.get $l12))))
      (br $B2)
      (unreachable))
    (i32.store align=1
      (local.get $p0)
      (local.get $l5))
    (i32.store offset=96 align=1
      (local.get $p0)
      (local.get $l3))
    (if $I25
      (i32.and
        (local.get $l11)
        (i32.ne
          (local.get $p1)
          (i32.const 0)))
      (then
        (i32.store offset=96 align=1
          (local.get $p0)
          (i32.sub
            (local.get $l3)
            (i32.const 1)))
        (return
          (call $single
            (local.get $p0)
            (local.get $p1)
            (local.get $p2)
            (i32.const 5)))))
    (local.get $l4)))
