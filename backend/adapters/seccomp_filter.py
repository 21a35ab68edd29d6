"""Gives up system calls permanently: a seccomp filter for this process.

Needs no privilege and no namespace, so it also works in a plain container. Standard
library only, and nothing that takes long to import: it runs at the start of every
child.
"""

import ctypes
import errno
import os
import struct
from typing import Final, NamedTuple

from backend.adapters.system_calls import Numbers


class BoxRefused(Exception):
    """The kernel does not accept the filter: nothing untrusted may be read."""


class Machine(NamedTuple):
    """A processor as seccomp names it; `column` is its place in `Numbers`."""

    column: int
    audit_arch: int
    # The last one before Linux 5.1, whose calls have one number on all machines.
    newest_call: int


class Condition(NamedTuple):
    """What an argument must be like for a call to go through: one that `holds`, or not.

    A pointer takes two, as a filter sees 32 bits at once.
    """

    argument: int
    comparison: int
    value: int
    holds: bool = True
    upper_half: bool = False

    @property
    def offset(self) -> int:
        """Where it stands in `struct seccomp_data`, on a little-endian machine."""
        return 16 + 8 * self.argument + 4 * self.upper_half


# BPF_JMP with BPF_JEQ and BPF_JSET.
EQUALS: Final = 0x15
HAS_ANY_OF: Final = 0x45

Conditions = dict[str, tuple[Condition, ...]]


class SeccompFilter:
    """Refuses the named calls; those with conditions go through when all of them hold.

    A refused call fails with EACCES instead of killing: an honest parser that looks for
    a file beside its own, or for another processor, continues and gives its report. A
    call of Linux 5.1 or later fails with ENOSYS, and C libraries take an older one.
    Only calls by the numbers of another machine kill (32 bit, x32): they are made by
    nobody but those who want past the filter.
    """

    _MACHINES: Final = {
        "x86_64": Machine(0, 0xC000003E, 334),
        "aarch64": Machine(1, 0xC00000B7, 293),
    }
    _X32: Final = 0x4000_0000

    # BPF_LD | BPF_W | BPF_ABS, BPF_JMP with BPF_JGT and BPF_JGE, BPF_RET.
    _LOAD: Final = 0x20
    _ABOVE: Final = 0x25
    _AT_LEAST: Final = 0x35
    _RETURN: Final = 0x06
    _NUMBER_OFFSET: Final = 0
    _ARCH_OFFSET: Final = 4

    _ALLOW: Final = 0x7FFF_0000
    _ERRNO: Final = 0x0005_0000
    _KILL: Final = 0x8000_0000

    _PR_SET_NO_NEW_PRIVS: Final = 38
    _PR_SET_SECCOMP: Final = 22
    _MODE_FILTER: Final = 2

    def __init__(self, refused: Numbers, conditions: Conditions) -> None:
        """A call with conditions must be among the refused."""
        self._refused = refused
        self._conditions = conditions

    def install(self) -> None:
        """Cannot be undone; one that is installed later only refuses more.

        It holds for this thread and those it starts. Raises `BoxRefused`.
        """
        instructions = self._program(self._machine())
        code = ctypes.create_string_buffer(b"".join(instructions))
        # struct sock_fprog: a short, and a pointer where the compiler puts it.
        fprog = struct.pack("@HP", len(instructions), ctypes.addressof(code))
        self._prctl(self._PR_SET_NO_NEW_PRIVS, 1, None)
        self._prctl(self._PR_SET_SECCOMP, self._MODE_FILTER, fprog)

    @classmethod
    def _machine(cls) -> Machine:
        system = os.uname()
        machine = cls._MACHINES.get(system.machine)
        if system.sysname != "Linux" or machine is None or struct.calcsize("P") != 8:
            raise BoxRefused(f"no filter for {system.sysname} on {system.machine}")
        return machine

    @staticmethod
    def _prctl(option: int, value: int, pointer: bytes | None) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        rest = (ctypes.c_ulong(value), ctypes.c_char_p(pointer))
        if library.prctl(option, *rest, ctypes.c_ulong(0), ctypes.c_ulong(0)):
            raise BoxRefused(f"prctl({option}): {os.strerror(ctypes.get_errno())}")

    def _program(self, machine: Machine) -> list[bytes]:
        program = [
            self._step(self._LOAD, self._ARCH_OFFSET),
            self._step(EQUALS, machine.audit_arch, 1, 0),
            self._step(self._RETURN, self._KILL),
            self._step(self._LOAD, self._NUMBER_OFFSET),
            self._step(self._AT_LEAST, self._X32, 0, 1),
            self._step(self._RETURN, self._KILL),
            self._step(self._ABOVE, machine.newest_call, 0, 1),
            self._step(self._RETURN, self._ERRNO | errno.ENOSYS),
        ]
        for name, numbers in self._refused.items():
            number = numbers[machine.column]
            if number is not None:
                program += self._call(number, self._conditions.get(name, ()))
        return [*program, self._step(self._RETURN, self._ALLOW)]

    def _call(self, number: int, conditions: tuple[Condition, ...]) -> list[bytes]:
        """Ends with a decision for this call; any other call jumps behind it."""
        body: list[bytes] = []
        for left, condition in enumerate(reversed(conditions)):
            # Past the conditions that are left and past the permission.
            refuse = 2 * left + 1
            jumps = (0, refuse) if condition.holds else (refuse, 0)
            body = [
                self._step(self._LOAD, condition.offset),
                self._step(condition.comparison, condition.value, *jumps),
                *body,
            ]
        if conditions:
            body.append(self._step(self._RETURN, self._ALLOW))
        body.append(self._step(self._RETURN, self._ERRNO | errno.EACCES))
        return [self._step(EQUALS, number, 0, len(body)), *body]

    @staticmethod
    def _step(code: int, value: int, then: int = 0, otherwise: int = 0) -> bytes:
        """struct sock_filter; jumps count the instructions that are left out."""
        return struct.pack("=HBBI", code, then, otherwise, value)
