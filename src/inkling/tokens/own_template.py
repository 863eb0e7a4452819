"""Another program's chat template: how its model was taught to read a chat, in Jinja.

Knows: where such a folder keeps it, how transformers renders it, and how what comes of it becomes
ids. Does not know: models, what of a history fits.
Data: a folder -> `OwnTemplate` <-> a file of the run; messages -> text -> ids.

A template is a stranger's program: it runs in Jinja's sandbox, which lets it read texts and change
nothing. What stands in a message is never a special token, also where it looks like one: each that
does is marked with a private character before the template sees it, and read as text after. That is
what transformers calls `sanitize_control_tokens`; of other messages the ids are those of its
`apply_chat_template` (github.com/huggingface/transformers, chat_template_utils).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from inkling.errors import RunError, TokenizerError
from inkling.regular_files import read_json, read_regular
from inkling.tokens.chat_format import Turn
from inkling.tokens.tokenizer import Tokenizer

if TYPE_CHECKING:
    from jinja2 import Template

_FILE, _CONFIG, _OLDER = "chat_template.jinja", "tokenizer_config.json", "special_tokens_map.json"
_TOKENS = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
_MARK = "\ue0ff"
_ROLES = {"them": "user", "me": "assistant"}

# What a template's own mistakes raise, beside Jinja's errors.
_MISTAKES = (
    TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError,
    MemoryError, AssertionError,
)  # fmt: skip


@dataclass(frozen=True)
class OwnTemplate:
    """A chat template, and the special tokens that it calls by names (`bos_token`, …)."""

    template: str
    tokens: Mapping[str, str]

    @classmethod
    def of_folder(cls, folder: Path) -> OwnTemplate | None:
        """The template of a model in Hugging Face's form; None where it has none that can be
        read."""
        config = _object(folder / _CONFIG)
        named = _object(folder / _OLDER) | config
        tokens = {f"{name}_token": _content(named.get(f"{name}_token")) for name in _TOKENS}
        try:
            found: Any = read_regular(folder / _FILE).decode("utf-8")
        except (OSError, ValueError):
            found = config.get("chat_template")
        if isinstance(found, list):  # several, by name
            found = {str(each.get("name")): each.get("template") for each in map(_mapping, found)}
        if isinstance(found, dict):
            found = found.get("default")
        if not isinstance(found, str) or not found.strip():
            return None
        return cls(found, {name: token for name, token in tokens.items() if token})

    @classmethod
    def load(cls, path: Path) -> OwnTemplate | None:
        """What `to_json` gave, None where there is no such file. Raises TokenizerError where it is
        damaged."""
        if not path.exists():
            return None
        try:
            content = read_json(path)
            template, tokens = content["template"], dict(content["tokens"])
            if not isinstance(template, str) or not all(map(_is_text, tokens.values())):
                raise ValueError("it holds no template")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TokenizerError(
                f"{path} is damaged ({error}). Import the model again: inkling import-model."
            ) from None
        return cls(template, tokens)

    def to_json(self) -> str:
        return json.dumps({"template": self.template, "tokens": dict(self.tokens)})

    def prompt_ids(self, tokenizer: Tokenizer, turns: Sequence[Turn]) -> list[int]:
        """What asks for a reply to the last of some turns. Raises RunError where the template
        cannot be rendered."""
        specials = tokenizer.added_specials
        control = re.compile("|".join(map(re.escape, sorted(specials, key=len, reverse=True))))
        messages = [
            {
                "role": _ROLES[role],
                "content": control.sub(lambda found: found[0][0] + _MARK + found[0][1:], plain),
            }
            for role, text in turns
            for plain in [text.replace(_MARK, "")]
        ]
        ids: list[int] = []
        text = self._render(messages)
        at = 0
        for found in control.finditer(text):
            ids += tokenizer.encode(text[at : found.start()].replace(_MARK, ""))
            ids.append(specials[found[0]])
            at = found.end()
        return ids + tokenizer.encode(text[at:].replace(_MARK, ""))

    def _render(self, messages: list[dict[str, str]]) -> str:
        from jinja2 import TemplateError

        try:
            text = self._compiled.render(
                messages=messages, tools=None, documents=None, add_generation_prompt=True,
                **self.tokens,
            )  # fmt: skip
        except (TemplateError, *_MISTAKES) as error:
            text, reason = "", " ".join(str(error).split())[:200] or type(error).__name__
        else:
            reason = "it makes nothing of a text"
        if not text:
            raise RunError(
                f"The chat template that this model came with cannot be rendered ({reason}). "
                "Inkling gives it texts, and neither tools nor images. Fine-tune the model, then "
                "it is asked in Inkling's form: inkling finetune --from DIR."
            )
        return text

    @cached_property
    def _compiled(self) -> Template:
        from jinja2 import TemplateError, nodes
        from jinja2.ext import Extension, loopcontrols
        from jinja2.parser import Parser
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        class Generation(Extension):
            """`{% generation %}`, which marks what a model says, is read as what is in it."""

            tags = {"generation"}  # noqa: RUF012 (as its base has it)

            def parse(self, parser: Parser) -> nodes.Node:
                line = next(parser.stream).lineno
                body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
                return nodes.Scope(body).set_lineno(line)

        def raise_exception(message: str) -> NoReturn:
            raise TemplateError(message)

        def strftime_now(form: str) -> str:
            return datetime.now().strftime(form)

        def tojson(value: Any, ensure_ascii: bool = False, **options: Any) -> str:
            return json.dumps(value, ensure_ascii=ensure_ascii, **options)

        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
        )
        environment.globals |= {"raise_exception": raise_exception, "strftime_now": strftime_now}
        environment.filters["tojson"] = tojson
        return environment.from_string(self.template)


def _object(path: Path) -> dict[str, Any]:
    try:
        return _mapping(read_json(path))
    except (OSError, ValueError):
        return {}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _content(token: object) -> str:
    found = token.get("content") if isinstance(token, dict) else token
    return found if isinstance(found, str) else ""


def _is_text(value: object) -> bool:
    return isinstance(value, str)
