/* SPDX-License-Identifier: Apache-2.0
 * Bare-metal part of the fuzz oracle's runner for the `virt` board: start-up, MMU, and the page at the high vectors
 * that enters a test case and saves all state at the exception that ends it (ARM DDI 0406C B1.8, B3.5).
 * The numbers below are those of ../layout.ts and ../table.ts. It touches no CP15 register that a case may name as
 * input, except the fault registers, which it clears. */

        .syntax unified
        .arm
        .arch armv7ve
        .fpu neon

        .equ CODE_SECTION,   0x104          /* first-level index of CODE_PAGE 0x10400000 */
        .equ SAVE,           0xffff1000
        /* result record, in the save page; the same order as in ../table.ts */
        .equ OUT_KIND,       0x00
        .equ OUT_SPSR,       0x04
        .equ OUT_LR,         0x08
        .equ OUT_DFSR,       0x0c
        .equ OUT_FPSCR,      0x1c
        .equ OUT_R0,         0x20
        .equ OUT_USR,        0x40           /* r8-r14 */
        .equ OUT_FIQ,        0x5c           /* r8-r14, spsr */
        .equ OUT_IRQ,        0x7c           /* sp, lr, spsr */
        .equ OUT_SVC,        0x88
        .equ OUT_ABT,        0x94
        .equ OUT_UND,        0xa0
        .equ OUT_FPEXC,      0xac
        .equ OUT_SCTLR,      0xb0
        .equ OUT_D,          0x100
        /* case record */
        .equ IN,             0x400
        .equ IN_CPSR,        IN + 0x04
        .equ IN_SPSR,        IN + 0x08
        .equ IN_R0,          IN + 0x0c
        .equ IN_FPSCR,       IN + 0x48
        .equ IN_FPEXC,       IN + 0x4c
        .equ IN_SCTLR,       IN + 0x50
        .equ IN_D,           IN + 0x80
        .equ LAUNCH,         0xc00          /* pc and cpsr for RFE; a case may store around it (SRS) */
        .equ RUNNER_SP,      0x808
        .equ RUNNER_SCTLR,   0x80c
        .equ TABLE_TEST,     0x810          /* TTBR0 while a case runs */
        .equ TABLE_RUNNER,   0x814          /* TTBR0 while the runner runs */

        .equ MODE_USR, 0x10
        .equ MODE_FIQ, 0x11
        .equ MODE_IRQ, 0x12
        .equ MODE_SVC, 0x13
        .equ MODE_ABT, 0x17
        .equ MODE_UND, 0x1b
        .equ MODE_SYS, 0x1f
        .equ MASKED,   0xc0                 /* I and F */

        /* Banked registers that the case does not set: see BANK in ../layout.ts. */
        .equ BANK_SP_IRQ, 0x10401f80
        .equ BANK_SP_SVC, 0x10401fc0
        .equ BANK_SP_ABT, 0x10402040
        .equ BANK_SP_UND, 0x10402080
        .equ BANK_SP_FIQ, 0x104020c0
        .equ BANK_SP_USR, 0x10402100
        .equ BANK_VALUE,  0x5a000000        /* + mode << 8 + register number; spsr counts as 16 */

/* ---- start-up, identity mapped ------------------------------------------------------------------------------- */
        .section .text.start, "ax"
        .global _start
_start:
        cpsid   if
        ldr     sp, =stack_top
        ldr     r0, =bss_start
        ldr     r1, =bss_end
        mov     r2, #0
1:      cmp     r0, r1
        strlo   r2, [r0], #4
        blo     1b

        mrc     p15, 0, r0, c1, c0, 2       /* CPACR: cp10 and cp11 for all */
        orr     r0, r0, #0x00f00000
        mcr     p15, 0, r0, c1, c0, 2
        isb
        mov     r0, #0x40000000
        vmsr    fpexc, r0

        /* Both first-level tables get the two page tables; only the runner's gets RAM and the interrupt controller. */
        ldr     r0, =table_test
        ldr     r1, =table_runner
        ldr     r2, =pages_code
        orr     r3, r2, #1
        ldr     r4, =CODE_SECTION * 4
        str     r3, [r0, r4]
        str     r3, [r1, r4]
        ldr     r3, =pages_vectors
        orr     r4, r3, #1
        ldr     r5, =0xfff * 4
        str     r4, [r0, r5]
        str     r4, [r1, r5]

        ldr     r4, =code_page              /* read-only for all, executable */
        ldr     r5, =0x27e
        orr     r4, r4, r5
        str     r4, [r2]
        ldr     r4, =window                 /* read-write for all, execute never */
        ldr     r5, =0x07f
        orr     r4, r4, r5
        str     r4, [r2, #4]
        add     r4, r4, #0x1000
        str     r4, [r2, #8]
        ldr     r4, =vectors_load           /* read-only, privileged, executable */
        ldr     r5, =0x25e
        orr     r4, r4, r5
        str     r4, [r3, #0xf0 * 4]
        ldr     r4, =save_page              /* read-write, privileged, execute never */
        ldr     r5, =0x05f
        orr     r4, r4, r5
        str     r4, [r3, #0xf1 * 4]

        ldr     r2, =0x4000140e             /* 128 MiB of RAM from 0x40000000, normal, privileged */
        add     r3, r1, #0x400 * 4
        mov     r4, #128
2:      str     r2, [r3], #4
        add     r2, r2, #0x100000
        subs    r4, r4, #1
        bne     2b
        ldr     r2, =0x08000416             /* GICv2, device, execute never */
        str     r2, [r1, #0x080 * 4]

        ldr     r4, =save_page
        str     r0, [r4, #TABLE_TEST]
        str     r1, [r4, #TABLE_RUNNER]

        mcr     p15, 0, r1, c2, c0, 0       /* TTBR0 */
        mov     r0, #0
        mcr     p15, 0, r0, c2, c0, 2       /* TTBCR: short descriptors, TTBR0 only */
        mov     r0, #1
        mcr     p15, 0, r0, c3, c0, 0       /* DACR: domain 0 client */
        mcr     p15, 0, r0, c8, c7, 0
        dsb
        isb
        mrc     p15, 0, r0, c1, c0, 0
        ldr     r1, =0x30000002             /* AFE, TRE and A off */
        bic     r0, r0, r1
        ldr     r1, =0x00003805             /* V, I, Z, C, M on */
        orr     r0, r0, r1
        mcr     p15, 0, r0, c1, c0, 0
        isb
        str     r0, [r4, #RUNNER_SCTLR]
        bl      run_all

        ldr     r0, =0x84000008             /* PSCI SYSTEM_OFF */
        hvc     #0
3:      b       3b

/* ---- the page at the high vectors ---------------------------------------------------------------------------- */
        .section .vectors, "ax"
vectors:
        b       vector_reset
        b       vector_undefined
        b       vector_svc
        b       vector_prefetch
        b       vector_data
        b       vector_hyp
        b       vector_irq
        b       vector_fiq

/* Runs the case that lies in the save page; called by C in SVC mode, returns after the case's exception. */
        .global enter_case
enter_case:
        push    {r4-r11, lr}
        ldr     r4, =SAVE
        str     sp, [r4, #RUNNER_SP]

        add     r0, r4, #IN_D
        vldmia  r0!, {d0-d15}
        vldmia  r0, {d16-d31}
        ldr     r0, [r4, #IN_FPSCR]
        vmsr    fpscr, r0

        mov     r0, #0
        mcr     p15, 0, r0, c5, c0, 0       /* DFSR, IFSR, DFAR, IFAR */
        mcr     p15, 0, r0, c5, c0, 1
        mcr     p15, 0, r0, c6, c0, 0
        mcr     p15, 0, r0, c6, c0, 2
        mcr     p15, 0, r0, c13, c0, 2      /* the thread registers, which cases may write */
        mcr     p15, 0, r0, c13, c0, 3
        mcr     p15, 0, r0, c13, c0, 4
        clrex

        ldr     r5, =BANK_VALUE
        .macro bank mode, sp
        msr     cpsr_c, #(\mode | MASKED)
        ldr     sp, =\sp
        orr     r0, r5, #(\mode << 8)
        orr     lr, r0, #14
        orr     r1, r0, #16
        msr     spsr_cxsf, r1
        .endm
        bank    MODE_IRQ, BANK_SP_IRQ
        bank    MODE_SVC, BANK_SP_SVC
        bank    MODE_ABT, BANK_SP_ABT
        bank    MODE_UND, BANK_SP_UND
        bank    MODE_FIQ, BANK_SP_FIQ
        orr     r8, r0, #8
        orr     r9, r0, #9
        orr     r10, r0, #10
        orr     r11, r0, #11
        orr     r12, r0, #12
        msr     cpsr_c, #(MODE_SYS | MASKED)
        ldr     sp, =BANK_SP_USR
        orr     r0, r5, #(MODE_SYS << 8)
        orr     r8, r0, #8
        orr     r9, r0, #9
        orr     r10, r0, #10
        orr     r11, r0, #11
        orr     r12, r0, #12
        orr     lr, r0, #14

        ldr     r0, [r4, #TABLE_TEST]
        mcr     p15, 0, r0, c2, c0, 0
        isb
        mcr     p15, 0, r0, c8, c7, 0       /* TLBIALL, BPIALL */
        mcr     p15, 0, r0, c7, c5, 6
        dsb
        isb
        ldr     r0, [r4, #RUNNER_SCTLR]
        ldr     r1, [r4, #IN_SCTLR]         /* bits of SCTLR that the case inverts */
        eor     r0, r0, r1
        mcr     p15, 0, r0, c1, c0, 0
        isb
        ldr     r0, [r4, #IN_FPEXC]
        vmsr    fpexc, r0

        mov     r0, #250                    /* the virtual timer ends a case that loops: 4 us of guest time */
        mcr     p15, 0, r0, c14, c3, 0
        mov     r0, #1
        mcr     p15, 0, r0, c14, c3, 1
        isb

        /* RFE needs a stack pointer that is not the case's: FIQ's, or IRQ's for a case that runs in FIQ mode. */
        ldr     r0, [r4, #IN_CPSR]
        and     r0, r0, #0x1f
        cmp     r0, #MODE_USR
        moveq   r0, #MODE_SYS
        orr     r1, r0, #MASKED
        ldr     r2, [r4, #IN_SPSR]
        add     r3, r4, #LAUNCH
        cmp     r0, #MODE_FIQ
        beq     1f
        msr     cpsr_c, #(MODE_FIQ | MASKED)
        mov     sp, r3
        cmp     r0, #MODE_SYS
        msr     cpsr_c, r1
        msrne   spsr_cxsf, r2
        ldr     lr, =SAVE + IN_R0
        ldmia   lr, {r0-r12}
        ldr     sp, [lr, #13 * 4]
        ldr     lr, [lr, #14 * 4]
        cps     #MODE_FIQ
        rfeia   sp
1:      msr     cpsr_c, #(MODE_IRQ | MASKED)
        mov     sp, r3
        msr     cpsr_c, r1
        msr     spsr_cxsf, r2
        ldr     lr, =SAVE + IN_R0
        ldmia   lr, {r0-r12}
        ldr     sp, [lr, #13 * 4]
        ldr     lr, [lr, #14 * 4]
        cps     #MODE_IRQ
        rfeia   sp

        .macro handler name, kind
vector_\name:
        str     r0, [pc, #(SAVE + OUT_R0 - (0xffff0008 + . - vectors))]
        mov     r0, #\kind
        b       save_state
        .endm
        handler reset, 0
        handler undefined, 1
        handler svc, 2
        handler prefetch, 3
        handler data, 4
        handler hyp, 5
        handler irq, 6
        handler fiq, 7

save_state:
        str     r1, [pc, #(SAVE + OUT_R0 + 4 - (0xffff0008 + . - vectors))]
        ldr     r1, =SAVE
        str     r0, [r1, #OUT_KIND]
        add     r0, r1, #OUT_R0 + 8
        stmia   r0, {r2-r7}
        mov     r0, #0
        mcr     p15, 0, r0, c14, c3, 1
        mrs     r0, spsr
        str     r0, [r1, #OUT_SPSR]
        str     lr, [r1, #OUT_LR]

        msr     cpsr_c, #(MODE_SYS | MASKED)
        add     r0, r1, #OUT_USR
        stmia   r0, {r8-r14}
        msr     cpsr_c, #(MODE_FIQ | MASKED)
        add     r0, r1, #OUT_FIQ
        stmia   r0!, {r8-r14}
        mrs     r2, spsr
        str     r2, [r0]
        .macro save_bank mode, offset
        msr     cpsr_c, #(\mode | MASKED)
        str     sp, [r1, #\offset]
        str     lr, [r1, #\offset + 4]
        mrs     r2, spsr
        str     r2, [r1, #\offset + 8]
        .endm
        save_bank MODE_IRQ, OUT_IRQ
        save_bank MODE_ABT, OUT_ABT
        save_bank MODE_UND, OUT_UND
        save_bank MODE_SVC, OUT_SVC

        mrc     p15, 0, r2, c5, c0, 0
        mrc     p15, 0, r3, c6, c0, 0
        mrc     p15, 0, r4, c5, c0, 1
        mrc     p15, 0, r5, c6, c0, 2
        add     r0, r1, #OUT_DFSR
        stmia   r0, {r2-r5}

        vmrs    r2, fpexc
        str     r2, [r1, #OUT_FPEXC]
        mov     r0, #0x40000000
        vmsr    fpexc, r0
        vmrs    r2, fpscr
        str     r2, [r1, #OUT_FPSCR]
        add     r0, r1, #OUT_D
        vstmia  r0!, {d0-d15}
        vstmia  r0, {d16-d31}

        mrc     p15, 0, r2, c1, c0, 0
        str     r2, [r1, #OUT_SCTLR]
        ldr     r2, [r1, #RUNNER_SCTLR]
        mcr     p15, 0, r2, c1, c0, 0
        ldr     r0, [r1, #TABLE_RUNNER]
        mcr     p15, 0, r0, c2, c0, 0
        isb
        mcr     p15, 0, r0, c8, c7, 0
        dsb
        isb
        ldr     sp, [r1, #RUNNER_SP]
        pop     {r4-r11, pc}
        .ltorg

        .section .tables, "aw", %nobits
        .balign 16384
table_test:     .space 16384
table_runner:   .space 16384
pages_code:     .space 1024
pages_vectors:  .space 1024

        .section .pages, "aw", %nobits
        .balign 4096
        .global code_page, window, save_page
code_page:      .space 4096
window:         .space 8192
save_page:      .space 4096
stack:          .space 4096
stack_top:
