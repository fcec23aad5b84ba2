/* SPDX-License-Identifier: Apache-2.0
 * What a torture test needs before newlib's semihosting start-up on a bare `virt` board: RAM as normal memory (with the
 * MMU off, unaligned accesses would fault, ARM DDI 0406C A3.2.2), the floating-point unit on, and vectors that end the
 * program with a status, so that a wild access fails at once. */

        .syntax unified
        .arm
        .arch armv7ve
        .fpu neon

        .equ TABLE, 0x40100000              /* between the device tree and the program */

        .section .text.plinth, "ax"
        .global plinth_start
plinth_start:
        cpsid   aif
        ldr     r0, =TABLE
        mov     r1, #0
        mov     r2, #0x1000
1:      str     r1, [r0], #4
        subs    r2, r2, #1
        bne     1b
        ldr     r0, =TABLE + 0x400 * 4
        ldr     r1, =0x4000140e             /* sections: normal, write-back, read-write, executable */
        mov     r2, #128
2:      str     r1, [r0], #4
        add     r1, r1, #0x100000
        subs    r2, r2, #1
        bne     2b
        ldr     r0, =TABLE
        mcr     p15, 0, r0, c2, c0, 0       /* TTBR0 */
        mov     r0, #0
        mcr     p15, 0, r0, c2, c0, 2       /* TTBCR */
        mcr     p15, 0, r0, c8, c7, 0       /* TLBIALL */
        mov     r0, #1
        mcr     p15, 0, r0, c3, c0, 0       /* DACR */
        ldr     r0, =vectors
        mcr     p15, 0, r0, c12, c0, 0      /* VBAR */
        dsb
        isb
        mrc     p15, 0, r0, c1, c0, 0       /* SCTLR: I, Z, C, M on; V, A, AFE, TRE off */
        ldr     r1, =0x30002002
        bic     r0, r0, r1
        ldr     r1, =0x00001805
        orr     r0, r0, r1
        mcr     p15, 0, r0, c1, c0, 0
        isb
        mrc     p15, 0, r0, c1, c0, 2       /* CPACR: cp10 and cp11 */
        orr     r0, r0, #0x00f00000
        mcr     p15, 0, r0, c1, c0, 2
        isb
        mov     r0, #0x40000000
        vmsr    fpexc, r0
        ldr     pc, =_start
        .ltorg

        .balign 32
vectors:
        .irp    number, 0, 1, 2, 3, 4, 5, 6, 7
        b       exit_\number
        .endr
        .irp    number, 0, 1, 2, 3, 4, 5, 6, 7
exit_\number:
        mov     r2, #(200 + \number)
        b       exit_with_status
        .endr
exit_with_status:
        ldr     r1, =block
        str     r2, [r1, #4]
        mov     r0, #0x20                   /* SYS_EXIT_EXTENDED */
        svc     #0x123456
        b       .

        .section .data.plinth, "aw"
        .balign 4
block:  .word   0x20026, 0                  /* ADP_Stopped_ApplicationExit and the status */
