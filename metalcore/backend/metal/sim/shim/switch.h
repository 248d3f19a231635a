// The switch from one stack to another.
#pragma once

// sim_switch saves the stack of who calls at *save and goes on at to; sim_resume is its second half.
extern "C" void sim_switch(void **save, void *to);
extern "C" void sim_resume();
#if defined(__x86_64__)
asm(R"(
.text
.globl sim_switch
.hidden sim_switch
sim_switch:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
.globl sim_resume
.hidden sim_resume
sim_resume:
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
)");
enum { kSaved = 7, kReturn = 6 }; // words on the stack, and which of them is the address to return to
#elif defined(__aarch64__)
asm(R"(
.text
.globl sim_switch
.hidden sim_switch
sim_switch:
    sub sp, sp, #160
    stp x19, x20, [sp]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
.globl sim_resume
.hidden sim_resume
sim_resume:
    mov sp, x1
    ldp x19, x20, [sp]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
)");
enum { kSaved = 20, kReturn = 11 };
#endif
