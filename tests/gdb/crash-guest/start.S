// SPDX-License-Identifier: Apache-2.0
// Vectors, stacks and the handler of the timer's interrupt.
    .syntax unified
    .arm
    .section .start, "ax"
    .globl _start
_start:
    cps #0x12
    ldr sp, =irq_stack_top
    cps #0x13
    ldr sp, =stack_top
    ldr r0, =vectors
    mcr p15, 0, r0, c12, c0, 0
    isb
    bl main
    b .

    .balign 32
vectors:
    b .
    b .
    b .
    b .
    b .
    b .
    b interrupt
    b .

interrupt:
    sub lr, lr, #4
    push {r0-r3, r12, lr}
    bl tick
    ldm sp!, {r0-r3, r12, pc}^

    .bss
    .balign 8
    .space 4096
irq_stack_top:
    .space 4096
stack_top:
