// SPDX-License-Identifier: Apache-2.0
// Vectors, stacks, floating point on; the supervisor call returns its argument plus the number in the instruction. The
// program's result is its exit status by semihosting.
    .syntax unified
    .arm
    .section .start, "ax"
    .globl _start
_start:
    msr cpsr_f, #0 @ what they are at reset is for no one to know
    ldr sp, =stack_top
    ldr r0, =vectors
    mcr p15, 0, r0, c12, c0, 0
    mrc p15, 0, r0, c1, c0, 2
    orr r0, r0, #0x00f00000
    mcr p15, 0, r0, c1, c0, 2
    isb
    mov r0, #0x40000000
    vmsr fpexc, r0
    bl main
    mov r2, r0
    ldr r1, =exit_block
    str r2, [r1, #4]
    mov r0, #0x20
    svc 0x123456
    b .

    .balign 32
vectors:
    b .
    b .
    b supervisor
    b .
    b .
    b .
    b .
    b .

    .globl supervisor
supervisor:
    push {r1, lr}
    ldr r1, [lr, #-4]
    bic r1, r1, #0xff000000
    add r0, r0, r1
    ldm sp!, {r1, pc}^

    .data
    .balign 4
exit_block:
    .word 0x20026
    .word 0
    .bss
    .balign 8
    .space 4096
stack_top:
