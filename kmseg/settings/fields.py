"""The description of one setting: what it accepts, how it is spelt, and its help text.

A dataclass field made by :func:`setting` carries its description as metadata. Validation, links,
JSON, command lines and help texts are all derived from it.
"""

from __future__ import annotations

import dataclasses
import textwrap
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from kmseg.errors import SettingsError, shown
from kmseg.settings.kinds import Kind, Whole

Value = TypeVar("Value")

_KEY: Final = "kmseg"


@dataclass(frozen=True, slots=True)
class Field:
    """One setting.

    Attributes
    ----------
    name : str
        Its name in Python, JSON and links.
    default : object
    kind : Kind
    flags : tuple of str
        Its options of the command line; :meth:`Settings.to_command_line` writes the first.
    help : str
        What it is, in a few words; what is allowed follows after a colon.
    note : str
        What else people should know; empty or the end of that sentence.
    page : tuple of int, optional
        The range of the page's control, where it is narrower than what ``kind`` allows.
    """

    name: str
    default: Any
    kind: Kind
    flags: tuple[str, ...]
    help: str
    note: str
    page: tuple[int, int] | None

    def parse(self, value: Any) -> Any:
        """The canonical form of a value or of its text.

        Raises
        ------
        SettingsError
            Names the field, what is allowed and what was given.
        """
        try:
            return self.kind.parse(value)
        except (TypeError, ValueError, OverflowError):
            raise SettingsError(
                f"{self.name}: must be {self.kind.allowed}, not {shown(value)}"
            ) from None

    def within(self, limits: tuple[int, int] | None) -> Field:
        """This field with another range of whole numbers, if one is given."""
        return self if limits is None else dataclasses.replace(self, kind=Whole(*limits))

    def described(self, allowed: str) -> str:
        """Help and note with a description of what is allowed between them."""
        return f"{self.help}: {allowed}" + (f"; {self.note}" if self.note else "")

    def parameter(self) -> str:
        """Its entry in a numpydoc list of parameters."""
        default = f'"{self.default}"' if isinstance(self.default, str) else repr(self.default)
        text = self.described(self.kind.documentation)
        indent = "    "
        sentence = textwrap.fill(
            f"{text[0].upper()}{text[1:]}.",
            width=80,
            initial_indent=indent,
            subsequent_indent=indent,
            break_on_hyphens=False,
        )
        return f"{self.name} : {self.kind.type_name}, default {default}\n{sentence}"


def setting(
    default: Value,
    kind: Kind,
    *flags: str,
    help: str,
    note: str = "",
    page: tuple[int, int] | None = None,
) -> Value:
    """Declare a setting in the body of a dataclass; see :class:`Field` for the parameters."""
    description = {"kind": kind, "flags": flags, "help": help, "note": note, "page": page}
    return dataclasses.field(default=default, metadata={_KEY: description})


def fields_of(settings: type[Any]) -> dict[str, Field]:
    """The settings that a dataclass declares, by name, in order."""
    return {
        field.name: Field(field.name, field.default, **field.metadata[_KEY])
        for field in dataclasses.fields(settings)
    }
