/* SPDX-License-Identifier: Apache-2.0
 * Start-up of a program on a bare `virt` board, for benchmarks and for tests with newlib: RAM as one-to-one mapped,
 * cacheable 1 MiB sections (ARM DDI 0406C B3.5; with the MMU off, unaligned accesses would fault, A3.2.2), MMU and
 * caches on, floating point on, vectors that end the program with a status. Then `_start` in C. */

        .syntax unified
        .arm
        .arch armv7ve
        .fpu neon

        .equ TABLE, 0x40100000              /* 16 KiB, between the device tree and the program */
        .equ RAM_SECTIONS, 128
        .equ SECTION, 0x4000140e            /* normal memory, write-back, full access, executable, domain 0 */

        .section .text.plinth, "ax"
        .global plinth_start
        .weak   stack_top                   /* newlib's _start asks where its stack is */
plinth_start:
        cpsid   aif
        ldr     sp, =stack_top
        ldr     r0, =TABLE
        mov     r1, #0
        mov     r2, #0x1000
1:      str     r1, [r0], #4
        subs    r2, r2, #1
        bne     1b
        ldr     r0, =TABLE + 0x400 * 4
        ldr     r1, =SECTION
        mov     r2, #RAM_SECTIONS
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
        mcr     p15, 0, r0, c3, c0, 0       /* DACR: client of domain 0 */
        ldr     r0, =vectors
        mcr     p15, 0, r0, c12, c0, 0      /* VBAR */
        dsb
        isb
        mrc     p15, 0, r0, c1, c0, 0       /* SCTLR: I, Z, C, M on; TRE, AFE, V, A off */
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
        b       vector_\number
        .endr
        .irp    number, 0, 1, 2, 3, 4, 5, 6, 7
vector_\number:
        mov     r2, #(200 + \number)
        b       exit_with_r2
        .endr
exit_with_r2:
        ldr     r1, =exit_block
        str     r2, [r1, #4]
        mov     r0, #0x20                   /* SYS_EXIT_EXTENDED */
        svc     #0x123456
        b       .
        .ltorg

        .section .data.plinth, "aw"
        .balign 4
exit_block:
        .word   0x20026, 0                  /* ADP_Stopped_ApplicationExit and the status */
