;; A32
;; 000: e8b0001e  ldm r0!, {r1, r2, r3, r4}
  (func $LDMIA.2 (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32) (local $l6 i32) (local $l7 i32) (local $l8 i32) (local $l9 i32) (local $l10 i32) (local $l11 i32) (local $l12 i32) (local $l13 i32) (local $l14 i32) (local $l15 i32) (local $l16 i32) (local $l17 i32) (local $l18 i32) (local $l19 i32) (local $l20 i32) (local $l21 i32) (local $l22 i32) (local $l23 i32) (local $l24 i32) (local $l25 i32) (local $l26 i32) (local $l27 i32) (local $l28 i32) (local $l29 i32) (local $l30 i32) (local $l31 i32) (local $l32 i32) (local $l33 i32) (local $l34 i32) (local $l35 i32) (local $l36 i32) (local $l37 i32) (local $l38 i32) (local $l39 i32) (local $l40 i32) (local $l41 i32) (local $l42 i32) (local $l43 i32) (local $l44 i32) (local $l45 i32) (local $l46 i32) (local $l47 i32) (local $l48 i32) (local $l49 i32) (local $l50 i32) (local $l51 i32) (local $l52 i32) (local $l53 i32) (local $l54 i32) (local $l55 i32)
    (local.set $l4
      (i32.and
        (i32.shr_u
          (local.get $p1)
          (i32.const 16))
        (i32.const 15)))
    (local.set $l5
      (i32.and
        (local.get $p1)
        (i32.const 32767)))
    (local.set $l6
      (i32.load align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (local.get $l4)
            (i32.const 2)))))
    (local.set $l7
      (i32.and
        (local.get $l5)
        (i32.const 32767)))
    (local.set $l3
      (local.get $l6))
    (if $I0
      (i32.and
        (local.get $l7)
        (i32.const 1))
      (then
        (local.set $l8
          (local.get $l3))
        (local.set $l10
          (if $I1 (result i32)
            (i32.and
              (i32.or
                (local.tee $l9
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l8)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l8))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l8)
                (i32.const 132))
              (if $I2
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l8)
                  (local.get $l9))))))
        (i32.store align=1
          (local.get $p0)
          (local.get $l10))
        (local.set $l3
          (i32.add
            (local.get $l8)
            (i32.const 4)))))
    (if $I3
      (i32.and
        (local.get $l7)
        (i32.const 2))
      (then
        (local.set $l11
          (local.get $l3))
        (local.set $l13
          (if $I4 (result i32)
            (i32.and
              (i32.or
                (local.tee $l12
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l11)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l11))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l11)
                (i32.const 132))
              (if $I5
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l11)
                  (local.get $l12))))))
        (i32.store offset=4 align=1
          (local.get $p0)
          (local.get $l13))
        (local.set $l3
          (i32.add
            (local.get $l11)
            (i32.const 4)))))
    (if $I6
      (i32.and
        (local.get $l7)
        (i32.const 4))
      (then
        (local.set $l14
          (local.get $l3))
        (local.set $l16
          (if $I7 (result i32)
            (i32.and
              (i32.or
                (local.tee $l15
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l14)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l14))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l14)
                (i32.const 132))
              (if $I8
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l14)
                  (local.get $l15))))))
        (i32.store offset=8 align=1
          (local.get $p0)
          (local.get $l16))
        (local.set $l3
          (i32.add
            (local.get $l14)
            (i32.const 4)))))
    (if $I9
      (i32.and
        (local.get $l7)
        (i32.const 8))
      (then
        (local.set $l17
          (local.get $l3))
        (local.set $l19
          (if $I10 (result i32)
            (i32.and
              (i32.or
                (local.tee $l18
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l17)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l17))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l17)
                (i32.const 132))
              (if $I11
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l17)
                  (local.get $l18))))))
        (i32.store offset=12 align=1
          (local.get $p0)
          (local.get $l19))
        (local.set $l3
          (i32.add
            (local.get $l17)
            (i32.const 4)))))
    (if $I12
      (i32.and
        (local.get $l7)
        (i32.const 16))
      (then
        (local.set $l20
          (local.get $l3))
        (local.set $l22
          (if $I13 (result i32)
            (i32.and
              (i32.or
                (local.tee $l21
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l20)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l20))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l20)
                (i32.const 132))
              (if $I14
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l20)
                  (local.get $l21))))))
        (i32.store offset=16 align=1
          (local.get $p0)
          (local.get $l22))
        (local.set $l3
          (i32.add
            (local.get $l20)
            (i32.const 4)))))
    (if $I15
      (i32.and
        (local.get $l7)
        (i32.const 32))
      (then
        (local.set $l23
          (local.get $l3))
        (local.set $l25
          (if $I16 (result i32)
            (i32.and
              (i32.or
                (local.tee $l24
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l23)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l23))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l23)
                (i32.const 132))
              (if $I17
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l23)
                  (local.get $l24))))))
        (i32.store offset=20 align=1
          (local.get $p0)
          (local.get $l25))
        (local.set $l3
          (i32.add
            (local.get $l23)
            (i32.const 4)))))
    (if $I18
      (i32.and
        (local.get $l7)
        (i32.const 64))
      (then
        (local.set $l26
          (local.get $l3))
        (local.set $l28
          (if $I19 (result i32)
            (i32.and
              (i32.or
                (local.tee $l27
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l26)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l26))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l26)
                (i32.const 132))
              (if $I20
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l26)
                  (local.get $l27))))))
        (i32.store offset=24 align=1
          (local.get $p0)
          (local.get $l28))
        (local.set $l3
          (i32.add
            (local.get $l26)
            (i32.const 4)))))
    (if $I21
      (i32.and
        (local.get $l7)
        (i32.const 128))
      (then
        (local.set $l29
          (local.get $l3))
        (local.set $l31
          (if $I22 (result i32)
            (i32.and
              (i32.or
                (local.tee $l30
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l29)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l29))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l29)
                (i32.const 132))
              (if $I23
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l29)
                  (local.get $l30))))))
        (i32.store offset=28 align=1
          (local.get $p0)
          (local.get $l31))
        (local.set $l3
          (i32.add
            (local.get $l29)
            (i32.const 4)))))
    (if $I24
      (i32.and
        (local.get $l7)
        (i32.const 256))
      (then
        (local.set $l32
          (local.get $l3))
        (local.set $l34
          (if $I25 (result i32)
            (i32.and
              (i32.or
                (local.tee $l33
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l32)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l32))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l32)
                (i32.const 132))
              (if $I26
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l32)
                  (local.get $l33))))))
        (i32.store offset=32 align=1
          (local.get $p0)
          (local.get $l34))
        (local.set $l3
          (i32.add
            (local.get $l32)
            (i32.const 4)))))
    (if $I27
      (i32.and
        (local.get $l7)
        (i32.const 512))
      (then
        (local.set $l35
          (local.get $l3))
        (local.set $l37
          (if $I28 (result i32)
            (i32.and
              (i32.or
                (local.tee $l36
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l35)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l35))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l35)
                (i32.const 132))
              (if $I29
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l35)
                  (local.get $l36))))))
        (i32.store offset=36 align=1
          (local.get $p0)
          (local.get $l37))
        (local.set $l3
          (i32.add
            (local.get $l35)
            (i32.const 4)))))
    (if $I30
      (i32.and
        (local.get $l7)
        (i32.const 1024))
      (then
        (local.set $l38
          (local.get $l3))
        (local.set $l40
          (if $I31 (result i32)
            (i32.and
              (i32.or
                (local.tee $l39
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l38)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l38))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l38)
                (i32.const 132))
              (if $I32
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l38)
                  (local.get $l39))))))
        (i32.store offset=40 align=1
          (local.get $p0)
          (local.get $l40))
        (local.set $l3
          (i32.add
            (local.get $l38)
            (i32.const 4)))))
    (if $I33
      (i32.and
        (local.get $l7)
        (i32.const 2048))
      (then
        (local.set $l41
          (local.get $l3))
        (local.set $l43
          (if $I34 (result i32)
            (i32.and
              (i32.or
                (local.tee $l42
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l41)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l41))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l41)
                (i32.const 132))
              (if $I35
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l41)
                  (local.get $l42))))))
        (i32.store offset=44 align=1
          (local.get $p0)
          (local.get $l43))
        (local.set $l3
          (i32.add
            (local.get $l41)
            (i32.const 4)))))
    (if $I36
      (i32.and
        (local.get $l7)
        (i32.const 4096))
      (then
        (local.set $l44
          (local.get $l3))
        (local.set $l46
          (if $I37 (result i32)
            (i32.and
              (i32.or
                (local.tee $l45
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l44)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l44))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l44)
                (i32.const 132))
              (if $I38
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l44)
                  (local.get $l45))))))
        (i32.store offset=48 align=1
          (local.get $p0)
          (local.get $l46))
        (local.set $l3
          (i32.add
            (local.get $l44)
            (i32.const 4)))))
    (if $I39
      (i32.and
        (local.get $l7)
        (i32.const 8192))
      (then
        (local.set $l47
          (local.get $l3))
        (local.set $l49
          (if $I40 (result i32)
            (i32.and
              (i32.or
                (local.tee $l48
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l47)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l47))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l47)
                (i32.const 132))
              (if $I41
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l47)
                  (local.get $l48))))))
        (i32.store offset=52 align=1
          (local.get $p0)
          (local.get $l49))
        (local.set $l3
          (i32.add
            (local.get $l47)
            (i32.const 4)))))
    (if $I42
      (i32.and
        (local.get $l7)
        (i32.const 16384))
      (then
        (local.set $l50
          (local.get $l3))
        (local.set $l52
          (if $I43 (result i32)
            (i32.and
              (i32.or
                (local.tee $l51
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l50)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l50))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l50)
                (i32.const 132))
              (if $I44
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l50)
                  (local.get $l51))))))
        (i32.store offset=56 align=1
          (local.get $p0)
          (local.get $l52))
        (local.set $l3
          (i32.add
            (local.get $l50)
            (i32.const 4)))))
    (if $I45
      (i32.and
        (local.get $l7)
        (i32.const 32768))
      (then
        (local.set $l53
          (local.get $l3))
        (local.set $l55
          (if $I46 (result i32)
            (i32.and
              (i32.or
                (local.tee $l54
                  (i32.xor
                    (i32.load align=1
                      (i32.add
                        (i32.load offset=116 align=1
                          (local.get $p0))
                        (i32.shl
                          (i32.shr_u
                            (local.get $l53)
                            (i32.const 12))
                          (i32.const 2))))
                    (i32.const 1)))
                (local.get $l53))
              (i32.const 3))
            (then
              (call $slowLoad
                (local.get $p0)
                (local.get $l53)
                (i32.const 132))
              (if $I47
                (i32.load offset=132 align=1
                  (local.get $p0))
                (then
                  (return
                    (i32.load offset=136 align=1
                      (local.get $p0))))))
            (else
              (i32.load align=1
                (i32.add
                  (local.get $l53)
                  (local.get $l54))))))
        (i32.store offset=60 align=1
          (local.get $p0)
          (local.get $l55))
        (local.set $l3
          (i32.add
            (local.get $l53)
            (i32.const 4)))))
    (i32.store align=1
      (i32.add
        (local.get $p0)
        (i32.shl
          (local.get $l4)
          (i32.const 2)))
      (i32.add
        (local.get $l6)
        (i32.shl
          (i32.popcnt
            (local.get $l5))
          (i32.const 2))))
    (i32.add
      (local.get $p2)
      (i32.const 4)))
