;; A32
;; 000: e8b0001e  ldm r0!, {r1, r2, r3, r4}
  (func $LDMIA.2 (type $t0) (param $p0 i32) (param $p1 i32) (param $p2 i32) (result i32)
    (local $l3 i32) (local $l4 i32) (local $l5 i32) (local $l6 i32) (local $l7 i32) (local $l8 i32) (local $l9 i32) (local $l10 i32) (local $l11 i32) (local $l12 i32) (local $l13 i32) (local $l14 i32) (local $l15 i32) (local $l16 i32) (local $l17 i32) (local $l18 i32) (local $l19 i32) (local $l20 i32) (local $l21 i32) (local $l22 i32) (local $l23 i32) (local $l24 i32) (local $l25 i32) (local $l26 i32) (local $l27 i32) (local $l28 i32) (local $l29 i32) (local $l30 i32) (local $l31 i32) (local $l32 i32) (local $l33 i32) (local $l34 i32) (local $l35 i32) (local $l36 i32) (local $l37 i32) (local $l38 i32) (local $l39 i32) (local $l40 i32) (local $l41 i32) (local $l42 i32) (local $l43 i32) (local $l44 i32) (local $l45 i32) (local $l46 i32) (local $l47 i32) (local $l48 i32) (local $l49 i32) (local $l50 i32) (local $l51 i32) (local $l52 i32) (local $l53 i32) (local $l54 i32) (local $l55 i32) (local $l56 i32) (local $l57 i32) (local $l58 i32) (local $l59 i32) (local $l60 i32) (local $l61 i32) (local $l62 i32) (local $l63 i32) (local $l64 i32) (local $l65 i32) (local $l66 i32) (local $l67 i32) (local $l68 i32) (local $l69 i32) (local $l70 i32) (local $l71 i32) (local $l72 i32) (local $l73 i32) (local $l74 i32) (local $l75 i32) (local $l76 i32) (local $l77 i32) (local $l78 i32) (local $l79 i32) (local $l80 i32) (local $l81 i32) (local $l82 i32) (local $l83 i32) (local $l84 i32) (local $l85 i32) (local $l86 i32) (local $l87 i32)
    (local.set $l5
      (i32.and
        (i32.shr_u
          (local.get $p1)
          (i32.const 16))
        (i32.const 15)))
    (local.set $l6
      (i32.and
        (local.get $p1)
        (i32.const 32767)))
    (local.set $l7
      (i32.load align=1
        (i32.add
          (local.get $p0)
          (i32.shl
            (local.get $l5)
            (i32.const 2)))))
    (local.set $l8
      (i32.and
        (local.get $l6)
        (i32.const 32767)))
    (local.set $l10
      (select
        (i32.sub
          (i32.add
            (local.tee $l9
              (i32.load align=1
                (i32.add
                  (i32.load offset=116 align=1
                    (local.get $p0))
                  (i32.shl
                    (i32.shr_u
                      (local.get $l7)
                      (i32.const 12))
                    (i32.const 2)))))
            (local.get $l7))
          (i32.const 1))
        (i32.const 0)
        (i32.and
          (i32.and
            (i32.le_u
              (i32.and
                (local.get $l7)
                (i32.const 4095))
              (i32.sub
                (i32.const 4096)
                (i32.shl
                  (i32.popcnt
                    (local.get $l8))
                  (i32.const 2))))
            (local.get $l9))
          (i32.eqz
            (i32.and
              (local.get $l7)
              (i32.const 3))))))
    (if $I0
      (local.get $l10)
      (then
        (local.set $l3
          (local.get $l10))
        (if $I1
          (i32.and
            (local.get $l8)
            (i32.const 1))
          (then
            (local.set $l11
              (local.get $l3))
            (local.set $l12
              (i32.load align=1
                (local.get $l11)))
            (i32.store align=1
              (local.get $p0)
              (local.get $l12))
            (local.set $l3
              (i32.add
                (local.get $l11)
                (i32.const 4)))))
        (if $I2
          (i32.and
            (local.get $l8)
            (i32.const 2))
          (then
            (local.set $l13
              (local.get $l3))
            (local.set $l14
              (i32.load align=1
                (local.get $l13)))
            (i32.store offset=4 align=1
              (local.get $p0)
              (local.get $l14))
            (local.set $l3
              (i32.add
                (local.get $l13)
                (i32.const 4)))))
        (if $I3
          (i32.and
            (local.get $l8)
            (i32.const 4))
          (then
            (local.set $l15
              (local.get $l3))
            (local.set $l16
              (i32.load align=1
                (local.get $l15)))
            (i32.store offset=8 align=1
              (local.get $p0)
              (local.get $l16))
            (local.set $l3
              (i32.add
                (local.get $l15)
                (i32.const 4)))))
        (if $I4
          (i32.and
            (local.get $l8)
            (i32.const 8))
          (then
            (local.set $l17
              (local.get $l3))
            (local.set $l18
              (i32.load align=1
                (local.get $l17)))
            (i32.store offset=12 align=1
              (local.get $p0)
              (local.get $l18))
            (local.set $l3
              (i32.add
                (local.get $l17)
                (i32.const 4)))))
        (if $I5
          (i32.and
            (local.get $l8)
            (i32.const 16))
          (then
            (local.set $l19
              (local.get $l3))
            (local.set $l20
              (i32.load align=1
                (local.get $l19)))
            (i32.store offset=16 align=1
              (local.get $p0)
              (local.get $l20))
            (local.set $l3
              (i32.add
                (local.get $l19)
                (i32.const 4)))))
        (if $I6
          (i32.and
            (local.get $l8)
            (i32.const 32))
          (then
            (local.set $l21
              (local.get $l3))
            (local.set $l22
              (i32.load align=1
                (local.get $l21)))
            (i32.store offset=20 align=1
              (local.get $p0)
              (local.get $l22))
            (local.set $l3
              (i32.add
                (local.get $l21)
                (i32.const 4)))))
        (if $I7
          (i32.and
            (local.get $l8)
            (i32.const 64))
          (then
            (local.set $l23
              (local.get $l3))
            (local.set $l24
              (i32.load align=1
                (local.get $l23)))
            (i32.store offset=24 align=1
              (local.get $p0)
              (local.get $l24))
            (local.set $l3
              (i32.add
                (local.get $l23)
                (i32.const 4)))))
        (if $I8
          (i32.and
            (local.get $l8)
            (i32.const 128))
          (then
            (local.set $l25
              (local.get $l3))
            (local.set $l26
              (i32.load align=1
                (local.get $l25)))
            (i32.store offset=28 align=1
              (local.get $p0)
              (local.get $l26))
            (local.set $l3
              (i32.add
                (local.get $l25)
                (i32.const 4)))))
        (if $I9
          (i32.and
            (local.get $l8)
            (i32.const 256))
          (then
            (local.set $l27
              (local.get $l3))
            (local.set $l28
              (i32.load align=1
                (local.get $l27)))
            (i32.store offset=32 align=1
              (local.get $p0)
              (local.get $l28))
            (local.set $l3
              (i32.add
                (local.get $l27)
                (i32.const 4)))))
        (if $I10
          (i32.and
            (local.get $l8)
            (i32.const 512))
          (then
            (local.set $l29
              (local.get $l3))
            (local.set $l30
              (i32.load align=1
                (local.get $l29)))
            (i32.store offset=36 align=1
              (local.get $p0)
              (local.get $l30))
            (local.set $l3
              (i32.add
                (local.get $l29)
                (i32.const 4)))))
        (if $I11
          (i32.and
            (local.get $l8)
            (i32.const 1024))
          (then
            (local.set $l31
              (local.get $l3))
            (local.set $l32
              (i32.load align=1
                (local.get $l31)))
            (i32.store offset=40 align=1
              (local.get $p0)
              (local.get $l32))
            (local.set $l3
              (i32.add
                (local.get $l31)
                (i32.const 4)))))
        (if $I12
          (i32.and
            (local.get $l8)
            (i32.const 2048))
          (then
            (local.set $l33
              (local.get $l3))
            (local.set $l34
              (i32.load align=1
                (local.get $l33)))
            (i32.store offset=44 align=1
              (local.get $p0)
              (local.get $l34))
            (local.set $l3
              (i32.add
                (local.get $l33)
                (i32.const 4)))))
        (if $I13
          (i32.and
            (local.get $l8)
            (i32.const 4096))
          (then
            (local.set $l35
              (local.get $l3))
            (local.set $l36
              (i32.load align=1
                (local.get $l35)))
            (i32.store offset=48 align=1
              (local.get $p0)
              (local.get $l36))
            (local.set $l3
              (i32.add
                (local.get $l35)
                (i32.const 4)))))
        (if $I14
          (i32.and
            (local.get $l8)
            (i32.const 8192))
          (then
            (local.set $l37
              (local.get $l3))
            (local.set $l38
              (i32.load align=1
                (local.get $l37)))
            (i32.store offset=52 align=1
              (local.get $p0)
              (local.get $l38))
            (local.set $l3
              (i32.add
                (local.get $l37)
                (i32.const 4)))))
        (if $I15
          (i32.and
            (local.get $l8)
            (i32.const 16384))
          (then
            (local.set $l39
              (local.get $l3))
            (local.set $l40
              (i32.load align=1
                (local.get $l39)))
            (i32.store offset=56 align=1
              (local.get $p0)
              (local.get $l40))
            (local.set $l3
              (i32.add
                (local.get $l39)
                (i32.const 4)))))
        (if $I16
          (i32.and
            (local.get $l8)
            (i32.const 32768))
          (then
            (local.set $l41
              (local.get $l3))
            (local.set $l3
              (i32.add
                (local.get $l41)
                (i32.const 4))))))
      (else
        (local.set $l4
          (local.get $l7))
        (if $I17
          (i32.and
            (local.get $l8)
            (i32.const 1))
          (then
            (local.set $l42
              (local.get $l4))
            (local.set $l44
              (if $I18 (result i32)
                (i32.and
                  (i32.or
                    (local.tee $l43
                      (i32.xor
                        (i32.load align=1
                          (i32.add
                            (i32.load offset=116 align=1
                              (local.get $p0))
                            (i32.shl
                              (i32.shr_u
                                (local.get $l42)
                                (i32.const 12))
                              (i32.const 2))))
                        (i32.const 1)))
                    (local.get $l42))
                  (i32.const 3))
                (then
                  (call $load
                    (local.get $p0)
                    (local.get $l42)
                    (i32.const 132))
                  (if $I19
                    (i32.load offset=132 align=1
                      (local.get $p0))
                    (then
                      (return
                        (i32.load offset=136 align=1
                          (local.get $p0))))))
                (else
                  (i32.load align=1
                    (i32.add
                      (local.get $l42)
                      (local.get $l43))))))
            (i32.store align=1
              (local.get $p0)
              (local.get $l44))
            (local.set $l4
              (i32.add
                (local.get $l42)
                (i32.const 4)))))
        (if $I20
          (i32.and
            (local.get $l8)
            (i32.const 2))
          (then
            (local.set $l45
              (local.get $l4))
            (local.set $l47
              (if $I21 (result i32)
                (i32.and
                  (i32.or
                    (local.tee $l46
                      (i32.xor
                        (i32.load align=1
                          (i32.add
                            (i32.load offset=116 align=1
                              (local.get $p0))
                            (i32.shl
                              (i32.shr_u
                                (local.get $l45)
                                (i32.const 12))
                              (i32.const 2))))
                        (i32.const 1)))
                    (local.get $l45))
                  (i32.const 3))
                (then
                  (call $load
                    (local.get $p0)
                    (local.get $l45)
                    (i32.const 132))
                  (if $I22
                    (i32.load offset=132 align=1
                      (local.get $p0))
                    (then
                      (return
                        (i32.load offset=136 align=1
                          (local.get $p0))))))
                (else
                  (i32.load align=1
                    (i32.add
                      (local.get $l45)
                      (local.get $l46))))))
            (i32.store offset=4 align=1
              (local.get $p0)
              (local.get $l47))
            (local.set $l4
              (i32.add
                (local.get $l45)
                (i32.const 4)))))
        (if $I23
          (i32.and
            (local.get $l8)
            (i32.const 4))
          (then
            (local.set $l48
              (local.get $l4))
            (local.set $l50
              (if $I24 (result i32)
                (i32.and
                  (i32.or
                    (local.tee $l49
                      (i32.xor
                        (i32.load align=1
                          (i32.add
                            (i32.load offset=116 align=1
                              (local.get $p0))
                            (i32.shl
                              (i32.shr_u
                                (local.get $l48)
                                (i32.const 12))
                              (i32.const 2))))
                        (i32.const 1)))
                    (local.get $l48))
                  (i32.const 3))
                (then
                  (call $load
                    (local.get $p0)
                    (local.get $l48)
                    (i32.const 132))
                  (if $I25
                    (i32.load offset=132 align=1
                      (local.get $p0))
                    (then
                      (return
                        (i32.load offset=136 align=1
                          (local.get $p0))))))
                (else
                  (i32.load align=1
                    (i32.add
                      (local.get $l48)
                      (local.get $l49))))))
            (i32.store offset=8 align=1
              (local.get $p0)
              (local.get $l50))
            (local.set $l4
              (i32.add
                (local.get $l48)
                (i32.const 4)))))
        (if $I26
          (i32.and
            (local.get $l8)
            (i32.const 8))
          (then
            (local.set $l51
              (local.get $l4))
            (local.set $l53
              (if $I27 (result i32)
                (i32.and
                  (i32.or
                    (local.tee $l52
                      (i32.xor
                        (i32.load align=1
                          (i32.add
                            (i32.load offset=116 align=1
                              (local.get $p0))
                            (i32.shl
                              (i32.shr_u
                                (local.get $l51)
                                (i32.const 12))
                              (i32.const 2))))
                        (i32.const 1)))
                    (local.get $l51))
                  (i32.const 3))
                (then
                  (call $load
                    (local.get $p0)
                    (local.get $l51)
                    (i32.const 132))
                  (if $I28
                    (i32.load offset=132 align=1
                      (local.get $p0))
                    (then
                      (return
                        (i32.load offset=136 align=1
                          (local.get $p0))))))
                (else
                  (i32.load align=1
                    (i32.add
                      (local.get $l51)
                      (local.get $l52))))))
            (i32.store offset=12 align=1
              (local.get $p0)
              (local.get $l53))
            (local.set $l4
              (i32.add
                (local.get $l51)
                (i32.const 4)))))
        (if $I29
          (i32.and
            (local.get $l8)
            (i32.const 16))
          (then
            (local.set $l54
              (local.get $l4))
            (local.set $l56
              (if $I30 (result i32)
                (i32.and
                  (i32.or
                    (local.tee $l55
                      (i32.xor
                        (i32.load align=1
                          (i32.add
                            (i32.load offset=116 align=1
                              (local.get $p0))
                            (i32.shl
                              (i32.shr_u
                                (local.get $l54)
                                (i32.const 12))
                              (i32.const 2))))
                        (i32.const 1)))
                    (local.get $l54))
                  (i32.const 3))
                (then
                  (call $load
                    (local.get $p0)
                    (local.get $l54)
                    (i32.const 132))
                  (if $I31
                    (i32.load offset=132 align=1
                      (local.get $p0))
                    (then
                      (return
                        (i32.load offset=136 align=1
                          (local.get $p0))))))
                (else
                  (i32.load align=1
                    (i32.add
                      (local.get $l54)
                      (local.get $l55))))))
            (i32.store offset=16 align=1
              (local.get $p0)
              (local.get $l56))
            (local.set $l4
              (i32.add
                (local.get $l54)
                (i32.const 4)))))
        (if $I32
          (i32.and
            (local.get $l8)
            (i32.const 32))
          (then
            (local.set $l57
              (local.get $l4))
            (local.set $l59
              (if $I33 (result i32)
                (i32.and
                  (i32.or
                    (local.tee $l58
                      (i32.xor
                        (i32.load align=1
                          (i32.add
                            (i32.load offset=116 align=1
                              (local.get $p0))
                            (i32.shl
                              (i32.shr_u
                                (local.get $l57)
                                (i32.const 12))
                              (i32.const 2))))
                        (i32.const 1)))
                    (local.get $l57))
                  (i32.const 3))
                (then
                  (call $load
                    (local.get $p0)
                    (local.get $l57)
                    (i32.const 132))
                  (if $I34
                    (i32.load offset=132 align=1
                      (local.get $p0))
                    (then
                      (return
                        (i32.load offset=136 align=1
                          (local.get $p0))))))
                (else
                  (i32.load align=1
                    (i32.add
                      (local.get $l57)
                      (local.get $l58))))))
            (i32.store offset=20 align=1
              (local.get $p0)
              (local.get $l59))
            (local.set $l4
              (i32.add
                (local.get $l57)
                (i32.const 4)))))
        (if $I35
          (i32.and
            (local.get $l8)
            (i32.const 64))
          (then
            (local.set $l60
              (local.get $l4))
            (local.set $l62
              (if $I36 (result i32)
                (i32.and
                  (i32.or
                    (local.tee $l61
                      (i32.xor
                        (i32.load align=1
                          (i32.add
                            (i32.load offset=116 align=1
                              (local.get $p0))
                            (i32.shl
                              (i32.shr_u
                                (local.get $l60)
                                (i32.const 12))
                              (i32.const 2))))
                        (i32.const 1)))
                    (local.get $l60))
                  (i32.const 3))
                (then
                  (call $load
                    (local.get $p0)
                    (local.get $l60)
                    (i32.const 132))
                  (if $I37
                    (i32.load offset=132 align=1
                      (local.get $p0))
                    (then
                      (return
                        (i32.load offset=136 align=1
                          (local.get $p0))))))
                (else
                  (i32.load align=1
                    (i32.add
                      (local.get $l60)
                      (local.get $l61))))))
            (i32.store offset=24 align=1
              (local.get $p0)
              (local.get $l62))
            (local.set $l4
              (i32.add
                (local.get $l60)
                (i32.const 4)))))
        (if $I38
          (i32.and
            (local.get $l8)
            (i32.const 128))
          (then
            (local.set $l63
              (local.get $l4))
            (local.set $l65
              (if $I39 (result i32)
                (i32.and
                  (i32.or
                    (local.tee $l64
                      (i32.xor
                        (i32.load align=1
                          (i32.add
                            (i32.load offset=116 align=1
                              (local.get $p0))
                            (i32.shl
                              (i32.shr_u
                                (local.get $l63)
                                (i32.const 12))
                              (i32.const 2))))
                        (i32.const 1)))
                    (local.get $l63))
                  (i32.const 3))
                (then
                  (call $load
                    (local.get $p0)
                    (local.get $l63)
                    (i32.const 132))
                  (if $I40
                    (i32.load offset=132 align=1
                      (local.get $p0))
                    (then
                      (return
                        (i32.load offset=136 align=1
                          (local.get $p0))))))
                (else
                  (i32.load align=1
                    (i32.add
                      (local.get $l63)
                      (local.get $l64))))))
            (i32.store offset=28 align=1
              (local.get $p0)
              (local.get $l65))
            (local.set $l4
              (i32.add
                (local.get $l63)
                (i32.const 4)))))
        (if $I41
          (i32.and
            (local.get $l8)
            (i32.const 256))
          (then
            (local.set $l66
              (local.get $l4))
            (local.set $l68
              (if $I42 (result i32)
                (i32.and
                  (i32.or
                    (local.tee $l67
                      (i32.xor
                        (i32.load align=1
                          (i32.add
                            (i32.load offset=116 align=1
                              (local.get $p0))
                            (i32.shl
                              (i32.shr_u
                                (local.get $l66)
                                (i32.const 12))
                              (i32.const 2))))
                        (i32.const 1)))
                    (local.get $l66))
                  (i32.const 3))
                (then
                  (call $load
                    (local.get $p0)
                    (local.get $l66)
                    (i32.const 132))
                  (if $I43
                    (i32.load offset=132 align=1
                      (local.get $p0))
                    (then
                      (return
                        (i32.load offset=136 align=1
                          (local.get $p0))))))
                (else
                  (i32.load align=1
                    (i32.add
                      (local.get $l66)
                      (local.get $l67))))))
            (i32.store offset=32 align=1
              (local.get $p0)
              (local.get $l68))
            (local.set $l4
              (i32.add
                (local.get $l66)
                (i32.const 4)))))
        (if $I44
          (i32.and
            (local.get $l8)
            (i32.const 512))
          (then
            (local.set $l69
              (local.get $l4))
            (local.set $l71
              (if $I45 (result i32)
                (i32.and
                  (i32.or
                    (local.tee $l70
                      (i32.xor
                        (i32.load align=1
                          (i32.add
                            (i32.load offset=116 align=1
                              (local.get $p0))
                            (i32.shl
                              (i32.shr_u
                                (local.get $l69)
                                (i32.const 12))
                              (i32.const 2))))
                        (i32.const 1)))
                    (local.get $l69))
                  (i32.const 3))
                (then
                  (call $load
                    (local.get $p0)
                    (local.get $l69)
                    (i32.const 132))
                  (if $I46
                    (i32.load offset=132 align=1
                      (local.get $p0))
                    (then
                      (return
                        (i32.load offset=136 align=1
                          (local.get $p0))))))
                (else
                  (i32.load align=1
                    (i32.add
                      (local.get $l69)
                      (local.get $l70))))))
            (i32.store offset=36 align=1
              (local.get $p0)
              (local.get $l71))
            (local.set $l4
              (i32.add
                (local.get $l69)
                (i32.const 4)))))
        (if $I47
          (i32.and
            (local.get $l8)
            (i32.const 1024))
          (then
            (local.set $l72
              (local.get $l4))
            (local.set $l74
              (if $I48 (result i32)
                (i32.and
                  (i32.or
                    (local.tee $l73
                      (i32.xor
                        (i32.load align=1
                          (i32.add
                            (i32.load offset=116 align=1
                              (local.get $p0))
                            (i32.shl
                              (i32.shr_u
                                (local.get $l72)
                                (i32.const 12))
                              (i32.const 2))))
                        (i32.const 1)))
                    (local.get $l72))
                  (i32.const 3))
                (then
                  (call $load
                    (local.get $p0)
                    (local.get $l72)
                    (i32.const 132))
                  (if $I49
                    (i32.load offset=132 align=1
                      (local.get $p0))
                    (then
                      (return
                        (i32.load offset=136 align=1
                          (local.get $p0))))))
                (else
                  (i32.load align=1
                    (i32.add
                      (local.get $l72)
                      (local.get $l73))))))
            (i32.store offset=40 align=1
              (local.get $p0)
              (local.get $l74))
            (local.set $l4
              (i32.add
                (local.get $l72)
                (i32.const 4)))))
        (if $I50
          (i32.and
            (local.get $l8)
            (i32.const 2048))
          (then
            (local.set $l75
              (local.get $l4))
            (local.set $l77
              (if $I51 (result i32)
                (i32.and
                  (i32.or
                    (local.tee $l76
                      (i32.xor
                        (i32.load align=1
                          (i32.add
                            (i32.load offset=116 align=1
                              (local.get $p0))
                            (i32.shl
                              (i32.shr_u
                                (local.get $l75)
                                (i32.const 12))
                              (i32.const 2))))
                        (i32.const 1)))
                    (local.get $l75))
                  (i32.const 3))
                (then
                  (call $load
                    (local.get $p0)
                    (local.get $l75)
                    (i32.const 132))
                  (if $I52
                    (i32.load offset=132 align=1
                      (local.get $p0))
                    (then
                      (return
                        (i32.load offset=136 align=1
                          (local.get $p0))))))
                (else
                  (i32.load align=1
                    (i32.add
                      (local.get $l75)
                      (local.get $l76))))))
            (i32.store offset=44 align=1
              (local.get $p0)
              (local.get $l77))
            (local.set $l4
              (i32.add
                (local.get $l75)
                (i32.const 4)))))
        (if $I53
          (i32.and
            (local.get $l8)
            (i32.const 4096))
          (then
            (local.set $l78
              (local.get $l4))
            (local.set $l80
              (if $I54 (result i32)
                (i32.and
                  (i32.or
                    (local.tee $l79
                      (i32.xor
                        (i32.load align=1
                          (i32.add
                            (i32.load offset=116 align=1
                              (local.get $p0))
                            (i32.shl
                              (i32.shr_u
                                (local.get $l78)
                                (i32.const 12))
                              (i32.const 2))))
                        (i32.const 1)))
                    (local.get $l78))
                  (i32.const 3))
                (then
                  (call $load
                    (local.get $p0)
                    (local.get $l78)
                    (i32.const 132))
                  (if $I55
                    (i32.load offset=132 align=1
                      (local.get $p0))
                    (then
                      (return
                        (i32.load offset=136 align=1
                          (local.get $p0))))))
                (else
                  (i32.load align=1
                    (i32.add
                      (local.get $l78)
                      (local.get $l79))))))
            (i32.store offset=48 align=1
              (local.get $p0)
              (local.get $l80))
            (local.set $l4
              (i32.add
                (local.get $l78)
                (i32.const 4)))))
        (if $I56
          (i32.and
            (local.get $l8)
            (i32.const 8192))
          (then
            (local.set $l81
              (local.get $l4))
            (local.set $l83
              (if $I57 (result i32)
                (i32.and
                  (i32.or
                    (local.tee $l82
                      (i32.xor
                        (i32.load align=1
                          (i32.add
                            (i32.load offset=116 align=1
                              (local.get $p0))
                            (i32.shl
                              (i32.shr_u
                                (local.get $l81)
                                (i32.const 12))
                              (i32.const 2))))
                        (i32.const 1)))
                    (local.get $l81))
                  (i32.const 3))
                (then
                  (call $load
                    (local.get $p0)
                    (local.get $l81)
                    (i32.const 132))
                  (if $I58
                    (i32.load offset=132 align=1
                      (local.get $p0))
                    (then
                      (return
                        (i32.load offset=136 align=1
                          (local.get $p0))))))
                (else
                  (i32.load align=1
                    (i32.add
                      (local.get $l81)
                      (local.get $l82))))))
            (i32.store offset=52 align=1
              (local.get $p0)
              (local.get $l83))
            (local.set $l4
              (i32.add
                (local.get $l81)
                (i32.const 4)))))
        (if $I59
          (i32.and
            (local.get $l8)
            (i32.const 16384))
          (then
            (local.set $l84
              (local.get $l4))
            (local.set $l86
              (if $I60 (result i32)
                (i32.and
                  (i32.or
                    (local.tee $l85
                      (i32.xor
                        (i32.load align=1
                          (i32.add
                            (i32.load offset=116 align=1
                              (local.get $p0))
                            (i32.shl
                              (i32.shr_u
                                (local.get $l84)
                                (i32.const 12))
                              (i32.const 2))))
                        (i32.const 1)))
                    (local.get $l84))
                  (i32.const 3))
                (then
                  (call $load
                    (local.get $p0)
                    (local.get $l84)
                    (i32.const 132))
                  (if $I61
                    (i32.load offset=132 align=1
                      (local.get $p0))
                    (then
                      (return
                        (i32.load offset=136 align=1
                          (local.get $p0))))))
                (else
                  (i32.load align=1
                    (i32.add
                      (local.get $l84)
                      (local.get $l85))))))
            (i32.store offset=56 align=1
              (local.get $p0)
              (local.get $l86))
            (local.set $l4
              (i32.add
                (local.get $l84)
                (i32.const 4)))))
        (if $I62
          (i32.and
            (local.get $l8)
            (i32.const 32768))
          (then
            (local.set $l87
              (local.get $l4))
            (local.set $l4
              (i32.add
                (local.get $l87)
                (i32.const 4)))))))
    (i32.store align=1
      (i32.add
        (local.get $p0)
        (i32.shl
          (local.get $l5)
          (i32.const 2)))
      (i32.add
        (local.get $l7)
        (i32.shl
          (i32.popcnt
            (local.get $l6))
          (i32.const 2))))
    (i32.add
      (local.get $p2)
      (i32.const 4)))
