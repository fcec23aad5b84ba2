// SPDX-License-Identifier: Apache-2.0
// Decoding of T32: instructions as the GNU assembler encodes them, each with the row of the table that it must find.

import { describe, expect, it } from 'vitest';
import { Decoder } from '../../decode/decoder.js';
import { ROWS } from '../table.js';

/** Word (a 32-bit one has its first halfword on top), row, and the assembly it came from. */
const INSTRUCTIONS = `
0038     | MOV (register) T2 | movs r0, r7
07d1     | LSL (immediate) | lsls r1, r2, #31
0811     | LSR (immediate) | lsrs r1, r2, #32
1063     | ASR (immediate) | asrs r3, r4, #1
1888     | ADD (register) | adds r0, r1, r2
1b77     | SUB (register) | subs r7, r6, r5
1dc8     | ADD (immediate) T1 | adds r0, r1, #7
1e48     | SUB (immediate) T1 | subs r0, r1, #1
25ff     | MOV (immediate) | movs r5, #255
2d00     | CMP (immediate) | cmp r5, #0
35c8     | ADD (immediate) T2 | adds r5, #200
3a09     | SUB (immediate) T2 | subs r2, #9
4031     | AND (register) | ands r1, r6
4071     | EOR (register) | eors r1, r6
4171     | ADC (register) | adcs r1, r6
41b1     | SBC (register) | sbcs r1, r6
4331     | ORR (register) | orrs r1, r6
43b1     | BIC (register) | bics r1, r6
40b1     | LSL (register) | lsls r1, r6
40f1     | LSR (register) | lsrs r1, r6
4131     | ASR (register) | asrs r1, r6
41f1     | ROR (register) | rors r1, r6
4208     | TST (register) | tst r0, r1
4288     | CMP (register) T1 | cmp r0, r1
42cb     | CMN (register) | cmn r3, r1
4248     | RSB (immediate) | rsbs r0, r1, #0
435a     | MUL | muls r2, r3, r2
43c0     | MVN (register) | mvns r0, r0
44c8     | ADD (register) T2 | add r8, r9
448f     | ADD (register) T2 | add pc, r1
449d     | ADD (register) T2 | add sp, r3
4588     | CMP (register) T2 | cmp r8, r1
45f5     | CMP (register) T2 | cmp sp, lr
4608     | MOV (register) T1 | mov r0, r1
46f7     | MOV (register) T1 | mov pc, lr
46bd     | MOV (register) T1 | mov sp, r7
4770     | BX | bx lr
4778     | BX | bx pc
4798     | BLX (register) | blx r3
4cff     | LDR (literal) | ldr r4, [pc, #1020]
50d1     | STR (register) | str r1, [r2, r3]
52d1     | STRH (register) | strh r1, [r2, r3]
54d1     | STRB (register) | strb r1, [r2, r3]
56d1     | LDRSB (register) | ldrsb r1, [r2, r3]
58d1     | LDR (register) | ldr r1, [r2, r3]
5ad1     | LDRH (register) | ldrh r1, [r2, r3]
5cd1     | LDRB (register) | ldrb r1, [r2, r3]
5ed1     | LDRSH (register) | ldrsh r1, [r2, r3]
67d1     | STR (immediate) T1 | str r1, [r2, #124]
6811     | LDR (immediate) T1 | ldr r1, [r2, #0]
77d1     | STRB (immediate) | strb r1, [r2, #31]
7851     | LDRB (immediate) | ldrb r1, [r2, #1]
87d1     | STRH (immediate) | strh r1, [r2, #62]
8851     | LDRH (immediate) | ldrh r1, [r2, #2]
9001     | STR (immediate) T2 | str r0, [sp, #4]
98ff     | LDR (immediate) T2 | ldr r0, [sp, #1020]
a004     | ADR | add r0, pc, #16
a804     | ADD (SP plus immediate) T1 | add r0, sp, #16
b07f     | ADD (SP plus immediate) T2 | add sp, #508
b084     | SUB (SP minus immediate) | sub sp, #16
b103     | CBZ | cbz r3, .+4
bbfb     | CBNZ | cbnz r3, .+130
b239     | SXTH | sxth r1, r7
b279     | SXTB | sxtb r1, r7
b2b9     | UXTH | uxth r1, r7
b2f9     | UXTB | uxtb r1, r7
ba39     | REV | rev r1, r7
ba79     | REV16 | rev16 r1, r7
baf9     | REVSH | revsh r1, r7
b510     | PUSH | push {r4, lr}
b4ff     | PUSH | push {r0-r7}
bd10     | POP | pop {r4, pc}
bc02     | POP | pop {r1}
b658     | SETEND | setend be
b672     | CPS | cpsid i
b667     | CPS | cpsie aif
beab     | BKPT | bkpt #171
bf08     | IT | it eq
bfa7     | IT | ittee ge
bf00     | NOP | nop
bf10     | YIELD | yield
bf20     | WFE | wfe
bf30     | WFI | wfi
bf40     | SEV | sev
c105     | STM | stmia r1!, {r0, r2}
c905     | LDM | ldmia r1!, {r0, r2}
c903     | LDM | ldmia r1, {r0, r1}
d000     | B T1 | beq .+4
dd9a     | B T1 | ble .-200
de01     | UDF | udf #1
df00     | SVC | svc #0
e000     | B T2 | b.n .+4
e60a     | B T2 | b.n .-1000
f00211ab | AND (immediate) | and.w r1, r2, #0x00ab00ab
f412297f | AND (immediate) | ands.w r9, r2, #0xff000
ea021103 | AND (register) | and.w r1, r2, r3, lsl #4
ea1279f3 | AND (register) | ands.w r9, r2, r3, ror #31
ea0a090b | AND (register) | and.w r9, r10, r11
f02211ab | BIC (immediate) | bic.w r1, r2, #0x00ab00ab
f432297f | BIC (immediate) | bics.w r9, r2, #0xff000
ea221103 | BIC (register) | bic.w r1, r2, r3, lsl #4
ea3279f3 | BIC (register) | bics.w r9, r2, r3, ror #31
ea2a090b | BIC (register) | bic.w r9, r10, r11
f04211ab | ORR (immediate) | orr.w r1, r2, #0x00ab00ab
f452297f | ORR (immediate) | orrs.w r9, r2, #0xff000
ea421103 | ORR (register) | orr.w r1, r2, r3, lsl #4
ea5279f3 | ORR (register) | orrs.w r9, r2, r3, ror #31
ea4a090b | ORR (register) | orr.w r9, r10, r11
f06211ab | ORN (immediate) | orn r1, r2, #0x00ab00ab
f472297f | ORN (immediate) | orns r9, r2, #0xff000
ea621103 | ORN (register) | orn r1, r2, r3, lsl #4
ea7279f3 | ORN (register) | orns r9, r2, r3, ror #31
ea6a090b | ORN (register) | orn r9, r10, r11
f08211ab | EOR (immediate) | eor.w r1, r2, #0x00ab00ab
f492297f | EOR (immediate) | eors.w r9, r2, #0xff000
ea821103 | EOR (register) | eor.w r1, r2, r3, lsl #4
ea9279f3 | EOR (register) | eors.w r9, r2, r3, ror #31
ea8a090b | EOR (register) | eor.w r9, r10, r11
f10211ab | ADD (immediate) | add.w r1, r2, #0x00ab00ab
f512297f | ADD (immediate) | adds.w r9, r2, #0xff000
f50d7180 | ADD (immediate) | add.w r1, sp, #256
f50d6d80 | ADD (immediate) | add.w sp, sp, #1024
eb021103 | ADD (register) | add.w r1, r2, r3, lsl #4
eb1279f3 | ADD (register) | adds.w r9, r2, r3, ror #31
eb0a090b | ADD (register) | add.w r9, r10, r11
eb0d0102 | ADD (register) | add.w r1, sp, r2
eb0d0d02 | ADD (register) | add.w sp, sp, r2
f14211ab | ADC (immediate) | adc.w r1, r2, #0x00ab00ab
f552297f | ADC (immediate) | adcs.w r9, r2, #0xff000
eb421103 | ADC (register) | adc.w r1, r2, r3, lsl #4
eb5279f3 | ADC (register) | adcs.w r9, r2, r3, ror #31
eb4a090b | ADC (register) | adc.w r9, r10, r11
f16211ab | SBC (immediate) | sbc.w r1, r2, #0x00ab00ab
f572297f | SBC (immediate) | sbcs.w r9, r2, #0xff000
eb621103 | SBC (register) | sbc.w r1, r2, r3, lsl #4
eb7279f3 | SBC (register) | sbcs.w r9, r2, r3, ror #31
eb6a090b | SBC (register) | sbc.w r9, r10, r11
f1a211ab | SUB (immediate) | sub.w r1, r2, #0x00ab00ab
f5b2297f | SUB (immediate) | subs.w r9, r2, #0xff000
f5ad6d80 | SUB (immediate) | sub.w sp, sp, #1024
eba21103 | SUB (register) | sub.w r1, r2, r3, lsl #4
ebb279f3 | SUB (register) | subs.w r9, r2, r3, ror #31
ebaa090b | SUB (register) | sub.w r9, r10, r11
ebad0102 | SUB (register) | sub.w r1, sp, r2
f1c211ab | RSB (immediate) | rsb.w r1, r2, #0x00ab00ab
f5d2297f | RSB (immediate) | rsbs.w r9, r2, #0xff000
ebc21103 | RSB (register) | rsb.w r1, r2, r3, lsl #4
ebd279f3 | RSB (register) | rsbs.w r9, r2, r3, ror #31
ebca090b | RSB (register) | rsb.w r9, r10, r11
f04f21ab | MOV (immediate) | mov.w r1, #0xab00ab00
f05f4900 | MOV (immediate) | movs.w r9, #0x80000000
f06f21ab | MVN (immediate) | mvn.w r1, #0xab00ab00
f07f4900 | MVN (immediate) | mvns.w r9, #0x80000000
ea6f01e2 | MVN (register) | mvn.w r1, r2, asr #3
ea7f090a | MVN (register) | mvns.w r9, r10
f0193fab | TST (immediate) | tst.w r9, #0xabababab
ea190f1a | TST (register) | tst.w r9, r10, lsr #32
f0993fab | TEQ (immediate) | teq r9, #0xabababab
ea990f1a | TEQ (register) | teq r9, r10, lsr #32
f1b93fab | CMP (immediate) | cmp.w r9, #0xabababab
ebb90f1a | CMP (register) | cmp.w r9, r10, lsr #32
f1193fab | CMN (immediate) | cmn.w r9, #0xabababab
eb190f1a | CMN (register) | cmn.w r9, r10, lsr #32
ea4f0809 | MOV (register) | mov.w r8, r9
ea5f0809 | MOV (register) | movs.w r8, r9
ea4f0839 | RRX | rrx r8, r9
ea5f0132 | RRX | rrxs r1, r2
ea4f0849 | LSL (immediate) | lsl.w r8, r9, #1
ea5f0849 | LSL (immediate) | lsls.w r8, r9, #1
fa09f80a | LSL (register) | lsl.w r8, r9, r10
fa19f001 | LSL (register) | lsls.w r0, r9, r1
ea4f0819 | LSR (immediate) | lsr.w r8, r9, #32
ea5f0819 | LSR (immediate) | lsrs.w r8, r9, #32
fa29f80a | LSR (register) | lsr.w r8, r9, r10
fa39f001 | LSR (register) | lsrs.w r0, r9, r1
ea4f4869 | ASR (immediate) | asr.w r8, r9, #17
ea5f4869 | ASR (immediate) | asrs.w r8, r9, #17
fa49f80a | ASR (register) | asr.w r8, r9, r10
fa59f001 | ASR (register) | asrs.w r0, r9, r1
ea4f08b9 | ROR (immediate) | ror.w r8, r9, #2
ea5f08b9 | ROR (immediate) | rors.w r8, r9, #2
fa69f80a | ROR (register) | ror.w r8, r9, r10
fa79f001 | ROR (register) | rors.w r0, r9, r1
f60271ff | ADD (immediate, plain) | addw r1, r2, #4095
f20d0103 | ADD (immediate, plain) | addw r1, sp, #3
f6a271ff | SUB (immediate, plain) | subw r1, r2, #4095
f20f0860 | ADR (after) | adr.w r8, .+100
f2af0868 | ADR (before) | adr.w r8, .-100
f2af0100 | ADR (before) | subw r1, pc, #0
f64f70ff | MOVW | movw r0, #65535
f2c12934 | MOVT | movt r9, #4660
fa0ff899 | SXTH | sxth.w r8, r9, ror #8
fa09f8ba | SXTAH | sxtah r8, r9, r10, ror #24
fa1ff899 | UXTH | uxth.w r8, r9, ror #8
fa19f8ba | UXTAH | uxtah r8, r9, r10, ror #24
fa4ff899 | SXTB | sxtb.w r8, r9, ror #8
fa49f8ba | SXTAB | sxtab r8, r9, r10, ror #24
fa5ff899 | UXTB | uxtb.w r8, r9, ror #8
fa59f8ba | UXTAB | uxtab r8, r9, r10, ror #24
fa2ff899 | SXTB16 | sxtb16 r8, r9, ror #8
fa29f8ba | SXTAB16 | sxtab16 r8, r9, r10, ror #24
fa3ff899 | UXTB16 | uxtb16 r8, r9, ror #8
fa39f8ba | UXTAB16 | uxtab16 r8, r9, r10, ror #24
fa99f80a | SADD16 | sadd16 r8, r9, r10
faa9f80a | SASX | sasx r8, r9, r10
fae9f80a | SSAX | ssax r8, r9, r10
fad9f80a | SSUB16 | ssub16 r8, r9, r10
fa89f80a | SADD8 | sadd8 r8, r9, r10
fac9f80a | SSUB8 | ssub8 r8, r9, r10
fa99f81a | QADD16 | qadd16 r8, r9, r10
faa9f81a | QASX | qasx r8, r9, r10
fae9f81a | QSAX | qsax r8, r9, r10
fad9f81a | QSUB16 | qsub16 r8, r9, r10
fa89f81a | QADD8 | qadd8 r8, r9, r10
fac9f81a | QSUB8 | qsub8 r8, r9, r10
fa99f82a | SHADD16 | shadd16 r8, r9, r10
faa9f82a | SHASX | shasx r8, r9, r10
fae9f82a | SHSAX | shsax r8, r9, r10
fad9f82a | SHSUB16 | shsub16 r8, r9, r10
fa89f82a | SHADD8 | shadd8 r8, r9, r10
fac9f82a | SHSUB8 | shsub8 r8, r9, r10
fa99f84a | UADD16 | uadd16 r8, r9, r10
faa9f84a | UASX | uasx r8, r9, r10
fae9f84a | USAX | usax r8, r9, r10
fad9f84a | USUB16 | usub16 r8, r9, r10
fa89f84a | UADD8 | uadd8 r8, r9, r10
fac9f84a | USUB8 | usub8 r8, r9, r10
fa99f85a | UQADD16 | uqadd16 r8, r9, r10
faa9f85a | UQASX | uqasx r8, r9, r10
fae9f85a | UQSAX | uqsax r8, r9, r10
fad9f85a | UQSUB16 | uqsub16 r8, r9, r10
fa89f85a | UQADD8 | uqadd8 r8, r9, r10
fac9f85a | UQSUB8 | uqsub8 r8, r9, r10
fa99f86a | UHADD16 | uhadd16 r8, r9, r10
faa9f86a | UHASX | uhasx r8, r9, r10
fae9f86a | UHSAX | uhsax r8, r9, r10
fad9f86a | UHSUB16 | uhsub16 r8, r9, r10
fa89f86a | UHADD8 | uhadd8 r8, r9, r10
fac9f86a | UHSUB8 | uhsub8 r8, r9, r10
fa83f182 | QADD | qadd r1, r2, r3
fa83f192 | QDADD | qdadd r1, r2, r3
fa83f1a2 | QSUB | qsub r1, r2, r3
fa83f1b2 | QDSUB | qdsub r1, r2, r3
fa99f889 | REV | rev.w r8, r9
fa99f899 | REV16 | rev16.w r8, r9
fa99f8b9 | REVSH | revsh.w r8, r9
fa99f8a9 | RBIT | rbit r8, r9
fab9f889 | CLZ | clz r8, r9
faa2f183 | SEL | sel r1, r2, r3
fb72f103 | USAD8 | usad8 r1, r2, r3
fb724103 | USADA8 | usada8 r1, r2, r3, r4
eac201c3 | PKH | pkhbt r1, r2, r3, lsl #3
eac20123 | PKH | pkhtb r1, r2, r3, asr #32
f302011f | SSAT | ssat r1, #32, r2
f32271c0 | SSAT | ssat r1, #1, r2, asr #31
f3820100 | USAT | usat r1, #0, r2
f382115f | USAT | usat r1, #31, r2, lsl #5
f322010f | SSAT16 | ssat16 r1, #16, r2
f3a2010f | USAT16 | usat16 r1, #15, r2
f34271c0 | SBFX | sbfx r1, r2, #31, #1
f3c2011f | UBFX | ubfx r1, r2, #0, #32
f36f110b | BFC | bfc r1, #4, #8
f362011f | BFI | bfi r1, r2, #0, #32
fb09f80a | MUL | mul.w r8, r9, r10
fb024103 | MLA | mla r1, r2, r3, r4
fb024113 | MLS | mls r1, r2, r3, r4
fb124113 | SMLAxy | smlabt r1, r2, r3, r4
fb124133 | SMLAxy | smlatt r1, r2, r3, r4
fb12f123 | SMULxy | smultb r1, r2, r3
fb324113 | SMLAWy | smlawt r1, r2, r3, r4
fb32f103 | SMULWy | smulwb r1, r2, r3
fbc312a4 | SMLALxy | smlaltb r1, r2, r3, r4
fb224113 | SMLAD | smladx r1, r2, r3, r4
fb22f103 | SMUAD | smuad r1, r2, r3
fb424103 | SMLSD | smlsd r1, r2, r3, r4
fb42f113 | SMUSD | smusdx r1, r2, r3
fbc312d4 | SMLALD | smlaldx r1, r2, r3, r4
fbd312c4 | SMLSLD | smlsld r1, r2, r3, r4
fb524113 | SMMLA | smmlar r1, r2, r3, r4
fb52f103 | SMMUL | smmul r1, r2, r3
fb624103 | SMMLS | smmls r1, r2, r3, r4
fb831204 | SMULL | smull r1, r2, r3, r4
fba31204 | UMULL | umull r1, r2, r3, r4
fbc31204 | SMLAL | smlal r1, r2, r3, r4
fbe31204 | UMLAL | umlal r1, r2, r3, r4
fbe31264 | UMAAL | umaal r1, r2, r3, r4
fb92f1f3 | SDIV | sdiv r1, r2, r3
fbb2f1f3 | UDIV | udiv r1, r2, r3
f8829fff | STRB (immediate) T2 | strb.w r9, [r2, #4095]
f8029c01 | STRB (immediate) T3 | strb.w r9, [r2, #-1]
f8029fff | STRB (immediate) T3 | strb.w r9, [r2, #255]!
f8029904 | STRB (immediate) T3 | strb.w r9, [r2], #-4
f8029e04 | STRBT | strbt r9, [r2, #4]
f8029023 | STRB (register) | strb.w r9, [r2, r3, lsl #2]
f8929fff | LDRB (immediate) T2 | ldrb.w r9, [r2, #4095]
f8129c01 | LDRB (immediate) T3 | ldrb.w r9, [r2, #-1]
f8129fff | LDRB (immediate) T3 | ldrb.w r9, [r2, #255]!
f8129904 | LDRB (immediate) T3 | ldrb.w r9, [r2], #-4
f8129e04 | LDRBT | ldrbt r9, [r2, #4]
f8129023 | LDRB (register) | ldrb.w r9, [r2, r3, lsl #2]
f81f9004 | LDRB (literal) | ldrb.w r9, [pc, #-4]
f89f9fff | LDRB (literal) | ldrb.w r9, [pc, #4095]
f8a29fff | STRH (immediate) T2 | strh.w r9, [r2, #4095]
f8229c01 | STRH (immediate) T3 | strh.w r9, [r2, #-1]
f8229fff | STRH (immediate) T3 | strh.w r9, [r2, #255]!
f8229904 | STRH (immediate) T3 | strh.w r9, [r2], #-4
f8229e04 | STRHT | strht r9, [r2, #4]
f8229023 | STRH (register) | strh.w r9, [r2, r3, lsl #2]
f8b29fff | LDRH (immediate) T2 | ldrh.w r9, [r2, #4095]
f8329c01 | LDRH (immediate) T3 | ldrh.w r9, [r2, #-1]
f8329fff | LDRH (immediate) T3 | ldrh.w r9, [r2, #255]!
f8329904 | LDRH (immediate) T3 | ldrh.w r9, [r2], #-4
f8329e04 | LDRHT | ldrht r9, [r2, #4]
f8329023 | LDRH (register) | ldrh.w r9, [r2, r3, lsl #2]
f83f9004 | LDRH (literal) | ldrh.w r9, [pc, #-4]
f8bf9fff | LDRH (literal) | ldrh.w r9, [pc, #4095]
f8c29fff | STR (immediate) T3 | str.w r9, [r2, #4095]
f8429c01 | STR (immediate) T4 | str.w r9, [r2, #-1]
f8429fff | STR (immediate) T4 | str.w r9, [r2, #255]!
f8429904 | STR (immediate) T4 | str.w r9, [r2], #-4
f84d9d04 | STR (immediate) T4 | push.w {r9}
f8429e04 | STRT | strt r9, [r2, #4]
f8429023 | STR (register) | str.w r9, [r2, r3, lsl #2]
f8d29fff | LDR (immediate) T3 | ldr.w r9, [r2, #4095]
f8529c01 | LDR (immediate) T4 | ldr.w r9, [r2, #-1]
f8529fff | LDR (immediate) T4 | ldr.w r9, [r2, #255]!
f8529904 | LDR (immediate) T4 | ldr.w r9, [r2], #-4
f85dfb04 | LDR (immediate) T4 | ldr.w pc, [sp], #4
f85d9b04 | LDR (immediate) T4 | pop.w {r9}
f8529e04 | LDRT | ldrt r9, [r2, #4]
f8529023 | LDR (register) | ldr.w r9, [r2, r3, lsl #2]
f850f021 | LDR (register) | ldr.w pc, [r0, r1, lsl #2]
f85f9004 | LDR (literal) | ldr.w r9, [pc, #-4]
f8df9fff | LDR (literal) | ldr.w r9, [pc, #4095]
f85ff004 | LDR (literal) | ldr.w pc, [pc, #-4]
f9929fff | LDRSB (immediate) T1 | ldrsb.w r9, [r2, #4095]
f9129c01 | LDRSB (immediate) T2 | ldrsb.w r9, [r2, #-1]
f9129fff | LDRSB (immediate) T2 | ldrsb.w r9, [r2, #255]!
f9129904 | LDRSB (immediate) T2 | ldrsb.w r9, [r2], #-4
f9129e04 | LDRSBT | ldrsbt r9, [r2, #4]
f9129023 | LDRSB (register) | ldrsb.w r9, [r2, r3, lsl #2]
f91f9004 | LDRSB (literal) | ldrsb.w r9, [pc, #-4]
f99f9fff | LDRSB (literal) | ldrsb.w r9, [pc, #4095]
f9b29fff | LDRSH (immediate) T1 | ldrsh.w r9, [r2, #4095]
f9329c01 | LDRSH (immediate) T2 | ldrsh.w r9, [r2, #-1]
f9329fff | LDRSH (immediate) T2 | ldrsh.w r9, [r2, #255]!
f9329904 | LDRSH (immediate) T2 | ldrsh.w r9, [r2], #-4
f9329e04 | LDRSHT | ldrsht r9, [r2, #4]
f9329023 | LDRSH (register) | ldrsh.w r9, [r2, r3, lsl #2]
f93f9004 | LDRSH (literal) | ldrsh.w r9, [pc, #-4]
f9bf9fff | LDRSH (literal) | ldrsh.w r9, [pc, #4095]
e94201ff | STRD (immediate) | strd r0, r1, [r2, #-1020]
e8e20301 | STRD (immediate) | strd r0, r3, [r2], #4
e9f20102 | LDRD (immediate) | ldrd r0, r1, [r2, #8]!
e9dd4900 | LDRD (immediate) | ldrd r4, r9, [sp]
e95f0102 | LDRD (literal) | ldrd r0, r1, [pc, #-8]
f891ffff | PLD (immediate) T1 | pld [r1, #4095]
f811fcff | PLD (immediate) T2 | pld [r1, #-255]
f81ff004 | PLD (literal) | pld [pc, #-4]
f811f032 | PLD (register) | pld [r1, r2, lsl #3]
f8b1f000 | PLDW (immediate) T1 | pldw [r1]
f831fc01 | PLDW (immediate) T2 | pldw [r1, #-1]
f831f002 | PLDW (register) | pldw [r1, r2]
f991f000 | PLI (immediate) T1 | pli [r1]
f911fc01 | PLI (immediate) T2 | pli [r1, #-1]
f99ff004 | PLI (literal) | pli [pc, #4]
f911f002 | PLI (register) | pli [r1, r2]
e8a85eff | STM | stmia.w r8!, {r0-r7, r9-r12, lr}
e92d4ff0 | STMDB | push.w {r4-r11, lr}
e9000006 | STMDB | stmdb r0, {r1, r2}
e8bd8ff0 | LDM | pop.w {r4-r11, pc}
e8900101 | LDM | ldmia.w r0, {r0, r8}
e9304002 | LDMDB | ldmdb r0!, {r1, lr}
e82dc013 | SRSDB | srsdb sp!, #19
e98dc01f | SRS | srsia sp, #31
e810c000 | RFEDB | rfedb r0
e9bdc000 | RFE | rfeia sp!
e8521fff | LDREX | ldrex r1, [r2, #1020]
e8432100 | STREX | strex r1, r2, [r3]
e8d21f4f | LDREXB | ldrexb r1, [r2]
e8c32f41 | STREXB | strexb r1, r2, [r3]
e8d21f5f | LDREXH | ldrexh r1, [r2]
e8c32f51 | STREXH | strexh r1, r2, [r3]
e8d2137f | LDREXD | ldrexd r1, r3, [r2]
e8c42371 | STREXD | strexd r1, r2, r3, [r4]
e8dff001 | TBB, TBH | tbb [pc, r1]
e8d0f011 | TBB, TBH | tbh [r0, r1, lsl #1]
f00081f2 | B T3 | beq.w .+1000
f74b86de | B T3 | ble.w .-1000000
f34291fe | B T4 | b.w .+16000000
f4bd95fe | B T4 | b.w .-16000000
f3d0fc7e | BL (immediate) | bl .+4000000
f7fffffc | BL (immediate) | bl .-4
f7ffed44 | BLX (immediate) | blx target
f3c38f00 | BXJ | bxj r3
f3af8000 | NOP | nop.w
f3af8001 | YIELD | yield.w
f3af8002 | WFE | wfe.w
f3af8003 | WFI | wfi.w
f3af8004 | SEV | sev.w
f3af80f3 | DBG | dbg #3
f3bf8f2f | CLREX | clrex
f3bf8f4f | DSB | dsb sy
f3bf8f4a | DSB | dsb ishst
f3bf8f5b | DMB | dmb ish
f3bf8f6f | ISB | isb
f7ef8fff | HVC | hvc #65535
f7f18000 | SMC | smc #1
f7f1a000 | UDF | udf.w #4096
f3de8f04 | SUBS PC, LR | subs pc, lr, #4
f3de8f00 | SUBS PC, LR | eret
f3ef8100 | MRS (CPSR) | mrs r1, CPSR
f3ff8100 | MRS (SPSR) | mrs r1, SPSR
f3818800 | MSR (register, CPSR flags) | msr CPSR_f, r1
f3818c00 | MSR (register, CPSR flags) | msr CPSR_fs, r1
f3818100 | MSR (register, CPSR) | msr CPSR_c, r1
f3818f00 | MSR (register, CPSR) | msr CPSR_fsxc, r1
f3918f00 | MSR (register, SPSR) | msr SPSR_fsxc, r1
f3af8660 | CPS | cpsid.w if
f3af8553 | CPS | cpsie i, #19
f3af811f | CPS | cps #31
ee1d0f70 | MRC (TPIDRURO) | mrc p15, 0, r0, c13, c0, 3
ee0d0f90 | MCR (TPIDRPRW) | mcr p15, 0, r0, c13, c0, 4
ee070fba | MCR (CP15DMB) | mcr p15, 0, r0, c7, c10, 5
ee1d0f50 | MRC (TPIDRURW) | mrc p15, 0, r0, c13, c0, 2
ee0d0f50 | MCR (TPIDRURW) | mcr p15, 0, r0, c13, c0, 2
ee0d0f70 | MCR (TPIDRURO) | mcr p15, 0, r0, c13, c0, 3
ee1d0f90 | MRC (TPIDRPRW) | mrc p15, 0, r0, c13, c0, 4
ee070f95 | MCR (CP15ISB) | mcr p15, 0, r0, c7, c5, 4
ee070f9a | MCR (CP15DSB) | mcr p15, 0, r0, c7, c10, 4
ee010f10 | MCR | mcr p15, 0, r0, c1, c0, 0
ee110f10 | MRC | mrc p15, 0, r0, c1, c0, 0
ec410f02 | MCRR | mcrr p15, 0, r0, r1, c2
ec510f0e | MRRC | mrrc p15, 0, r0, r1, c14
`;

const narrow = new Decoder(ROWS, 'T16');
const wide = new Decoder(ROWS, 'T32');

describe('T32 decoding', () => {
  const lines = INSTRUCTIONS.trim().split('\n');

  it('finds the row of every listed instruction', () => {
    const found = lines.map((line) => {
      const [word, , text] = line.split('|').map((part) => part.trim());
      const decoded = (word!.length === 4 ? narrow : wide).decode(Number.parseInt(word!, 16));
      const row = decoded === undefined ? 'nothing' : decoded.row.name;
      return `${word!.padEnd(8)} | ${decoded?.unpredictable === true ? 'UNPREDICTABLE ' : ''}${row} | ${text}`;
    });
    expect(found).toEqual(lines);
  });

  it('is tested for every T16 row and every integer T32 row', () => {
    const listed = new Set(lines.map((line) => `${line.indexOf(' ') === 4 ? 'T16' : 'T32'} ${line.split(' | ')[1]}`));
    const missing = ROWS.filter(
      (row) => row.isa !== 'A32' && !/^V|hint|^PLDW .lit|^(CDP|LDC|STC)|[CR]2$/.test(row.name),
    )
      .map((row) => `${row.isa} ${row.name}`)
      .filter((name) => !listed.has(name));
    expect(missing).toEqual([]);
  });

  it('leaves undefined what the manual leaves undefined', () => {
    for (const word of [
      0xf9d9f50a, 0xf8eb1b01, 0xf85ef056, 0xf8cf4853, 0xf80fc0ec, 0xf3e28a75, 0xfac5f38e, 0xe8def8ff,
    ]) {
      const decoded = wide.decode(word);
      expect(decoded === undefined || decoded.unpredictable, word.toString(16)).toBe(true);
    }
    // HLT and SETPAN are ARMv8's, the others nobody's.
    for (const word of [0xba80, 0xb610, 0xb800, 0xb680]) expect(narrow.decode(word), word.toString(16)).toBeUndefined();
  });
});
