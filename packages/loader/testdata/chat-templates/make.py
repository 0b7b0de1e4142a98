"""Renders templates/*.jinja and constructs.json's templates with transformers: python make.py. Made with transformers 5.18,
Jinja2 3.1.6. Writes rendered.json and constructs.json."""
import copy, json, pathlib
from transformers.utils.chat_template_utils import render_jinja_template
from constructs import CASES, MESSAGES, VARIABLES

here = pathlib.Path(__file__).parent
TOKENS = {'bos_token': '<s>', 'eos_token': '</s>'}
# Templates that print or join the arguments of a call, or ask whether they are a string, take the text that was sent.
TEXT_ARGUMENTS = {'qwen3', 'mistral-small', 'deepseek-r1', 'kimi-k2', 'nemotron'}
# Templates that go through the parts of a content; others take their texts joined.
PARTS = {'qwen3.5', 'llama-4', 'mistral-small', 'glm-4.5', 'gemma-3', 'kimi-k2', 'nemotron'}

TOOLS = json.loads('''[{"type": "function", "function": {"name": "find_user", "description": "Finds a user.\\n  By id <b>or</b> name & more", "parameters": {"type": "object", "properties": {"user_id": {"type": "integer", "description": "19 digits", "minimum": 1.0, "maximum": 2512292042121000001}, "ratio": {"type": "number", "default": 1e-05}, "tags": {"type": "array", "items": {"type": "string"}}, "kind": {"type": ["string", "null"], "enum": ["é", "\\"q\\""]}, "10": {"type": "boolean"}, "2": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}, "required": ["user_id"]}}},
 {"type": "function", "function": {"name": "now", "description": "The time", "parameters": {"type": "object", "properties": {}}}}]''')
ARGUMENTS = '{"user_id": 2512292042121000001, "ratio": 1.0, "small":1e-7, "big": 1e+16, "z": -0.0, "name": "Zoë \\u2028 <a&b>", "tags": ["x", {"k": null, "t": true}], "10": 1, "2": 2}'
call = lambda id, name, arguments: {'id': id, 'type': 'function', 'function': {'name': name, 'arguments': arguments}}
S = {'role': 'system', 'content': 'Be brief. /no_think\n'}
U = {'role': 'user', 'content': '  Hello, 🦉 wörld!\n'}
TALK = [U, {'role': 'assistant', 'content': 'Hi <there> & "you"\n\n'}, {'role': 'user', 'content': "What's 1 < 2?"}]
CALLED = [U, {'role': 'assistant', 'content': '', 'reasoning_content': '\nI need the id.\n', 'tool_calls': [call('abcdef123', 'find_user', ARGUMENTS)]},
          {'role': 'tool', 'name': 'find_user', 'tool_call_id': 'abcdef123', 'content': '{"age": 1.0}'}]
CONVERSATIONS = {
    'one': [U],
    'talk': TALK,
    'system': [S, *TALK],
    'tool': CALLED,
    'tools twice': [S, *CALLED, {'role': 'tool', 'tool_call_id': 'b', 'content': 'second'}, {'role': 'assistant', 'content': 'He is one.'}, {'role': 'user', 'content': 'Thanks'}],
    'two calls': [U, {'role': 'assistant', 'content': 'Both.', 'tool_calls': [call('abcdef123', 'find_user', '{"user_id":7}'), call('abcdef124', 'now', '{}')]},
                  {'role': 'tool', 'tool_call_id': 'abcdef123', 'content': 'a'}, {'role': 'tool', 'tool_call_id': 'abcdef124', 'content': 'b'}],
    'null content': [U, {'role': 'assistant', 'content': None, 'tool_calls': [call('abcdef123', 'now', '{}')]}],
    'reasoning': [*TALK[:1], {'role': 'assistant', 'content': '<think>\nhm\n</think>\n\nyes', 'id': 'x'}, TALK[2], {'role': 'assistant', 'reasoning_content': 'because', 'content': 'so'}],
    'parts': [{'role': 'user', 'content': [{'type': 'text', 'text': 'one '}, {'type': 'text', 'text': ' two'}]}],
    'empty': [{'role': 'user', 'content': ''}],
}
OPTIONS = {
    'plain': {},
    'tools': {'tools': TOOLS},
    'no thinking': {'variables': {'enable_thinking': False}},
    'no prompt': {'variables': {'add_generation_prompt': False}},
    'documents': {'documents': [{'title': 'T', 'text': 'one'}, {'title': 'U', 'text': 'two'}], 'variables': {'controls': {'length': 'short'}, 'date_string': '30 Nov 2026', 'builtin_tools': ['find_user', 'code_interpreter'], 'reasoning_effort': 'high'}},
}
PAIRS = [('one', 'plain'), ('one', 'tools'), ('one', 'no thinking'), ('one', 'documents'), ('talk', 'no prompt'), ('system', 'plain'), ('system', 'tools'),
         ('tool', 'tools'), ('tools twice', 'tools'), ('two calls', 'tools'), ('two calls', 'plain'), ('null content', 'tools'), ('reasoning', 'plain'), ('reasoning', 'no prompt'), ('parts', 'plain'), ('empty', 'plain')]


def as_given(messages, template):
    """The form that the template takes: what a user of transformers gives."""
    messages = copy.deepcopy(messages)
    for message in messages:
        if isinstance(message.get('content'), list) and template not in PARTS:
            message['content'] = ''.join(part['text'] for part in message['content'])
        for each in message.get('tool_calls') or []:
            if template not in TEXT_ARGUMENTS:
                each['function']['arguments'] = json.loads(each['function']['arguments'])
    return messages


def render(template, messages, options):
    variables = {**TOKENS, 'add_generation_prompt': True, **copy.deepcopy(options.get('variables') or {})}
    try:
        [text], _ = render_jinja_template([copy.deepcopy(messages)], chat_template=template, tools=options.get('tools'), documents=options.get('documents'), **variables)
        return text
    except Exception:
        return None


def write(name, value):
    (here / name).write_text(json.dumps(value, ensure_ascii=False, indent=0).replace(': Infinity', ': 1e999') + '\n')


rendered = []
for path in sorted((here / 'templates').glob('*.jinja')):
    for conversation, options in PAIRS:
        messages = as_given(CONVERSATIONS[conversation], path.stem)
        rendered.append([path.stem, conversation, options, render(path.read_text(), messages, OPTIONS[options])])
write('rendered.json', {'tokens': TOKENS, 'conversations': CONVERSATIONS, 'options': OPTIONS, 'rendered': rendered})
write('constructs.json', {'messages': MESSAGES, 'variables': VARIABLES, 'rendered': [[case, render(case, MESSAGES, {'variables': VARIABLES})] for case in CASES]})
print(len(rendered), 'conversations,', sum(1 for each in rendered if each[3] is not None), 'rendered;', len(CASES), 'constructs')
