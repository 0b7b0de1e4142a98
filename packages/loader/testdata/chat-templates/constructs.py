"""Templates of one construct each, and random ones of tags, white space and their signs."""
MESSAGES = [{'role': 'system', 'content': 'S'}, {'role': 'user', 'content': ' Hi '}, {'role': 'assistant', 'content': 'yo', 'reasoning_content': 'because'}]
VARIABLES = {'x': 5, 'y': 2.5, 'neg': -7, 'big': 2512292042121000001, 'f1': 1.0, 'f16': 1e+16, 'f5': 1e-05, 'z': -0.0, 's': ' Hello Wörld "q" \'s\' 🦉 ', 'e': '', 'n': None, 't': True, 'l': [3, 1, 2], 'd': {'b': 1, 'a': {'c': [1, 2.0, None, True]}, 'items': 'I', '10': 'ten'}, 'words': ['apple', 'Banana', 'cherry', 'apple'], 'recs': [{'n': 'x', 'v': 2, 't': 'a'}, {'n': 'Y', 'v': 1, 't': 'b'}, {'n': 'z', 'v': 3, 't': 'a'}], 'nl': 'a\nb\n\nc', 'html': '<b>&"\'</b>', 'inf': float('inf')}
EXPRESSIONS = r'''x
y
f1
f16
f5
z
big
inf
n
t
e
l
d
s
nl
recs
x/2
x//2
neg//2
neg%3
y//1
y%2
x**2
2**-1
2**100
x/0
-y
+x
-x|abs
x*1.5
10/5
'a'*3
[1]*2
(1,)
(1,2)+(3,)
()
[]
{}
l+[4]
l+x
s+x
s~x~n~t~f1~undef
undef
undef.foo
undef+1
x.foo
x.foo.bar
n.foo
d.a.c[1]
d.a['c'][-1]
d['items']
d.items()
d.keys()|list
d.values()|list
d|items|list
d.get('zz')
d.get('zz','def')
d['zz']
d.zz is defined
d.copy()
l.append(1)
l.append
d.update
d.pop('b')
s.strip()
s.strip(' H')
s.lstrip()
s.rstrip()
s.upper()
s.lower()
s.title()
s.capitalize()
s.swapcase()
s.split()
s.split(' ')
s.split(None,1)
s.split(' ',1)
s.rsplit(' ',1)
s.rsplit(None,1)
'a,b,,c'.split(',')
'a,b,,c'.split(',',maxsplit=2)
'abc'.split('')
s.replace('l','L')
s.replace('l','L',1)
'abc'.replace('','-')
'abc'.replace('','-',2)
s.startswith(' H')
s.startswith((' H','x'))
s.endswith(' ')
'abc'.startswith('b',1)
s.find('o')
s.find('zz')
s.index('zz')
s.count('l')
'🦉x'.find('x')
s|length
s[5:3:-1]
s[::-1]
s[-4]
s[100]
s[1:4]
l[::-1]
l[-1]
l[5]
l[:-1]
l[1:]
l['a']
l.index(2)
l.count(3)
'-'.join(['a','b'])
'-'.join([1])
l|join('-')
words|join(', ')
recs|join('|',attribute='n')
d|tojson
d|tojson(indent=2)
d|tojson(indent=0)
d|tojson(indent='\t')
recs|tojson(separators=(',',':'))
d|tojson(sort_keys=True)
s|tojson
s|tojson(ensure_ascii=True)
html|tojson
f16|tojson
inf|tojson
[f1,f5,z,big]|tojson
undef|tojson
(1,2)|tojson
{1:2,none:3,true:4,1.5:5}|tojson
{1:2,none:3,true:4,1.5:5}
{'a':1,'a':2}
l|sort
l|sort(reverse=true)
words|sort
words|sort(case_sensitive=true)
recs|sort(attribute='v')
recs|sort(attribute='t,v')
words|unique|list
recs|groupby('t')
recs|map(attribute='n')|list
recs|map(attribute='zz',default='-')|list
words|map('upper')|list
words|map('replace','a','o')|list
recs|selectattr('t','equalto','a')|list
recs|selectattr('v','gt',1)|map(attribute='n')|join
recs|rejectattr('t','eq','a')|list|length
recs|selectattr('zz')|list
l|select('odd')|list
l|reject('odd')|list
l|select('>',1)|list
recs|selectattr('t','equalto','a')|length
l|sum
recs|sum(attribute='v')
l|max
l|min
words|max
[]|max
l|first
l|last
''|first
l|batch(2)|list
l|batch(2,'-')|list
l|slice(2)|list
l|slice(2,'f')|list
l|reverse|list
s|reverse
l|list
d|list
s|list
d|dictsort
d|dictsort(by='value')
{'b':2,'A':1}|dictsort
{'b':2,'A':1}|dictsort(case_sensitive=true)
{'b':2,'A':1}|dictsort(false,'value',true)
y|round
2.675|round(2)
0.5|round
1.5|round
2.5|round
1234.5|round(-2)
1250|round(-2)
42|round
y|round(1,'ceil')
y|round(0,'floor')
42.55|round(1)
y|int
'12'|int
'12.7'|int
'abc'|int
'abc'|int(5)
'0x1f'|int(base=16)
'101'|int(base=2)
'1_000'|int
'1.5'|float
'x'|float
'x'|float(2)
x|float
undef|int
n|default('d')
undef|default('d')
''|default('d')
''|default('d',true)
n|d('x',boolean=true)
s|trim
'xxaxx'|trim('x')
s|title
'foo-bar (baz) [q] <w> it''s'|title
s|capitalize
s|upper
n|upper
x|string
x|string|length
nl|indent
nl|indent(2,true)
nl|indent(2,blank=true)
nl|indent('>>',first=true)
x|indent
html|escape
html|e|upper
html|safe
(html|safe)+html
html+(html|safe)
html|e~html
'<b>' ~ (html|e)
(html|e)|replace('&','x')
html|forceescape
html|urlencode
{'a b':'c&d','e':1}|urlencode
'a/b c~d'|urlencode
s|wordcount
'hello world foo bar'|truncate(11)
'hello world foo bar'|truncate(11,true)
'hello world foo bar'|truncate(11,false,'..',0)
'abc'|center(10)
'ab'.center(5)
'ab'.center(5,'*')
'abc'.center(6)
'ab'.ljust(4)~'|'
'ab'.rjust(4,'.')
'-5'.zfill(4)
'a\tb'.expandtabs(4)
'%s-%d-%05.2f-%r'|format('a',5,2.345,'q')
'%s and %s' % ('a',1)
'%s' % 5
'%(a)s' % {'a':1}
'%5s|%-5s|%x|%X|%o|%e|%g|%%' % ('a','b',255,255,8,12345.678,0.00001)
'%s %s' % ('a',)
'%d' % 3.7
'%s' % [1,2]
'%+d % d %05d %.3d' % (5,5,-5,5)
'{} {}'.format('a',1)
'{0} {1} {0}'.format('a',1)
'{a} {b:>5} {c:.2f}'.format(a=1,b='x',c=2.345)
'{:,} {:05d} {:x} {:#x} {:b} {:e} {:%}'.format(1234567,42,255,255,5,12345.678,0.25)
'{!r:>10}'.format('a')
'{:*^10}'.format('mid')
'{0[a]} {0[b]}'.format({'a':1,'b':2})
'{:{}}'.format('a',5)
'{{}}'.format()
'{'.format()
'{:d}'.format('a')
'{:g} {:g}'.format(1e10,1.5)
1 is integer
1.0 is float
t is number
t is integer
t is boolean
n is none
undef is none
undef is undefined
undef is iterable
undef is sequence
undef is string
s is string
l is sequence
d is mapping
d is iterable
d is sequence
x is iterable
x is odd
x is even
y is even
x is divisibleby 5
x is divisibleby(2)
x is in l
3 is in(l)
3 in l
'a' in d
'b' in d
'll' in s
x in s
x not in l
not x in l
x is not none
x is eq 5
x is sameas x
n is sameas none
'ABC' is upper
'abc' is lower
range is callable
x is callable
'upper' is filter
'nope' is filter
'odd' is test
x is nope
x|nope
html|e is escaped
1 < 2 < 3
1 < 3 < 2
1 == 1.0
true == 1
'a' < 'b'
'a' < 1
[1,2] < [1,3]
l == [3,1,2]
d == d
(1,2) == [1,2]
{'a':1} == {'a':1.0}
n == false
undef == undef2
n and x
x and y
e or 'd'
x or y
not e
'a' if x
'a' if e
'a' if e else 'b'
'a' if e else 'b' if n else 'c'
range(5)
range(5)|list
range(5,0,-2)|list
range(3)[1]
range(10)[2:5]
5 in range(10)
range(100001)
range(0)
namespace(a=1)
namespace(a=1).a
dict(a=1,b=2)
dict([('a',1)])
dict({'a':1},b=2)
cycler('a','b').next()
joiner(',')()
[1,[2,['a',"it's",'"both" \'q\'']]]
'a\x00\u200b\xa0é🦉\ue000'
['a\x00\u200b\xa0é🦉\ue000\n\\']
'a' 'b'
'\u00e9\n\t\\d'
1_000
0x1F
1e3
1.5e-7
1.e5
.5
1e100
123456789012345678.0
0.1+0.2
1/3
100000000000000000000.0
1e22
5e-324
x.real
y.is_integer()
s.__class__
s.__class__.__name__
d.__len__
true
True
None
none
false.real
[1,2,3][1]
[1,2,3][-5]
{'a':{'b':[10,20]}}.a.b[1]
{'a':{'b':[10,20]}}.a.b.1
(1,2).0
l.0
x.0
'abc'.0
messages[0].content
messages[0]['role']
messages[-1].content|trim
messages|length
messages[1:]|list
messages|map(attribute='role')|join(',')
messages|selectattr('role','in',['user','tool'])|list|length
messages|rejectattr('role','equalto','system')|first
loop
self
caller
varargs
raise_exception('no')
'ǆabc ß ŉ'.title()
'ß'.upper()
'ÀÉ'.lower()
'ΑΣ'.lower()
'İ'.lower()
'ﬁx'.capitalize()
'they\'re bill\'s'.title()
'x1y2 a'.title()
'123'.isdigit()
'12a'.isdigit()
'²'.isdigit()
'½'.isnumeric()
'abc'.isalpha()
'ab1'.isalnum()
' '.isspace()
''.isspace()
'aB'.islower()
'AB1'.isupper()
'Ab Cd'.istitle()
'a\r\nb\x0bc\u2028d'.splitlines()
'a\nb\n'.splitlines(true)
'a-b-c'.partition('-')
'a-b-c'.rpartition('-')
'abc'.partition('-')
'abc'.removeprefix('a')
'abc'.removesuffix('c')
'a'.casefold()
'x'.join('abc')
'%s' % (1,2)
l|map('string')|join('+')
l|map('nope')|list
d|map('upper')|list
d|length
x|length
n|length
[none,1]|join
[undef]|join
x|join
n|list
words|map('length')|sum
words|map('first')|list
[[1,2],[3]]|sum(start=[])
[1.5,2]|sum
words|map('title')|map('replace','A','4')|join(' ')
recs|map(attribute='n')|map('upper')|list
recs[0].n~recs[1]['n']
recs|length>2 and recs[0].v==2
(recs|length)*2
recs|attr('x')
recs[0]|attr('n')
-x**2
2**3**2
2+3*4-1
2~3+4
10-2-3
not x == 5
x if x else y if y else z
(x,y)[0]
[x for x in l]
x is defined and x
x is not defined
x is none or x
'a'|upper~'b'|lower
('a'~'b')|upper
[1,2]|first + 1
-5|abs
(-5)|abs
x|string~y|string
"a"+"b"*2
"%s"|format(x)
l|tojson|length
{}|tojson
[]|tojson(indent=4)
{'a':[],'b':{}}|tojson(indent=4)
{'é':'ü\u2028\x7f</script>'}|tojson
{'é':'ü\u2028\x7f'}|tojson(ensure_ascii=true)
d|tojson(2)
d|tojson(false,2)
true|int
true|string
[true]|sum
true+true
none|string
none|int
none|trim
[3,none]|sort
words|sort|reverse|list
d.items()|first
d.items()|list|last
d.items()|length
d.keys()
d.values()
d.items()|sort
(d|items)|length
d.keys()[0]
d.b.c.d
'a'.b.c
x()
'abc'()
s|replace('l',1)
s|replace(none,'x')
x|replace(5,6)
'abcdef'[1:5:2]
'abcdef'[::0]
'abcdef'[n:2]
'🦉abc'[1:]
'🦉🦉'|length
'a🦉'|list
'aβ🦉'|reverse
x|abs|string|int+1
1.0|int
1e3|int
'1e3'|int
' 12 '|int
'1.0'|float|int
1.0|string
100|float
1e15
1e16
123456789.123456789
0.0001
0.00001
-0.00001234
1.0e-10|round(12)
3.14159|round(3)
1e300*1e10
-1e300*1e10
inf-inf
[inf,-inf]
7//2.0
-7//2
-7%3
7%-3
-7.5%2
7.5//-2
0.1*3
2**0.5
0**0
0.0**-1
big+1
big*big
big/2
big//10
big%1000
big|string
big|tojson
big|float
big == 2512292042121000001
big > 2.5e18
[big]'''.split('\n')
STATEMENTS = [
    '{% for m in messages %}[{{ m.role }}{% if loop.index == 2 %}{% break %}{% endif %}]{% endfor %}',
    '{% for m in messages %}<{{ m.role }}{% if loop.index == 2 %}{% continue %}{% endif %}>{% else %}none{% endfor %}',
    '{% for m in messages %}{% continue %}{% else %}none{% endfor %}',
    '{% for m in messages %}a{% break %}{% else %}none{% endfor %}',
    '{% break %}',
    '{% for m in messages %}{% macro f() %}{% break %}{% endmacro %}{% endfor %}',
    '{% for m in messages %}{% set x %}in{% break %}{% endset %}{% endfor %}{{ x }}',
    '{% for m in messages %}{% filter upper %}in{{ loop.index }}{% if loop.index==2 %}{% continue %}{% endif %}{% endfilter %}{% endfor %}',
    '{% for m in messages %}{% generation %}{% break %}{% endgeneration %}{% endfor %}',
    'a\r\n{% if true %}\r\nb\r\n{% endif %}\r\nc\r\n',
    'a\rb\r',
    'x\n\n',
    'x\n',
    '\n',
    '',
    "{{ 'a\r\nb' }}",
    '  {% if t %}  \n  x\n  {%- endif %}  \n y',
    '  {%+ if t %}\nx\n  {%+ endif +%}\n y',
    '  {# c #}\nx {# d #}\n y\n  {#- e -#}  \n z',
    'a {#+ x +#}\nb',
    '{% raw %}\n{{ x }} {% if %}\n{% endraw %}\nz',
    'a  {%- raw -%}  {{ x }}  {%- endraw -%}  b',
    '  {% raw %}q{% endraw %}\n',
    '{% raw +%}x{% endraw %}',
    '{% set a, b = 1, 2 %}{{ a }}{{ b }}',
    '{% set a = 1, 2 %}{{ a }}',
    '{% set a %}x{{ x }}\n{% endset %}{{ a }}|',
    '{% set a | upper | trim %} x {% endset %}[{{ a }}]',
    '{% set ns = namespace(a=1, b=[]) %}{% for i in range(3) %}{% set ns.a = ns.a + i %}{% set ns.b = ns.b + [i] %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns }}',
    '{% set d.x = 1 %}',
    '{% set x = 1 %}{% for i in [1,2] %}{{ x }}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}',
    '{% if t %}{% set q = 1 %}{% endif %}{{ q }}{% if e %}{% set r = 1 %}{% endif %}{{ r is defined }}',
    "{% macro f(a, b=2, c='x') %}{{ a }}-{{ b }}-{{ c }}{% endmacro %}{{ f(1) }}{{ f(1,3) }}{{ f(1,c=4) }}{{ f() }}",
    '{% macro f(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1,2,3,z=4) }}',
    '{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1,2) }}',
    '{% macro f(a) %}{{ a }}{% endmacro %}{{ f(b=2) }}',
    '{% macro f(a, b=a) %}{{ b }}{% endmacro %}{{ f(7) }}',
    '{% macro f(x) %}{{ x }}{% endmacro %}{{ f.name }}{{ f.arguments }}{{ f.catch_kwargs }}{{ f.caller }}',
    "{% macro f() %}<{{ caller('z') }}>{% endmacro %}{% call(v) f() %}body {{ v }}{% endcall %}",
    '{% macro f(a) %}<{{ caller() }}{{ a }}>{% endmacro %}{% call f(a=2) %}body{% endcall %}{{ f(1) }}',
    '{% macro f() %}x{% endmacro %}{% call f() %}body{% endcall %}',
    '{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(3) }}',
    '{% macro f() %}{{ y2 }}{% endmacro %}{% set y2 = 5 %}{{ f() }}',
    '{% macro f() %}  a  {% endmacro %}[{{ f()|trim }}]',
    '{% filter upper %}a{{ s }}{% endfilter %}',
    "{% filter replace('a','b')|upper %}abc{% endfilter %}",
    '{% with a=1, b=2 %}{{ a }}{{ b }}{% set c = 3 %}{% endwith %}{{ c }}{{ a }}',
    '{% with %}{% set a=1 %}{{ a }}{% endwith %}{{ a }}',
    '{% set a=5 %}{% with a=1, b=a %}{{ b }}{% endwith %}',
    '{% block foo %}x{{ x }}{% endblock %}',
    '{% for i in l %}{% block foo %}{{ i }}.{% endblock %}{% endfor %}',
    '{% for i in l %}{% block foo scoped %}{{ i }}.{% endblock foo %}{% endfor %}',
    '{% generation %}g{% set gg = 1 %}{% endgeneration %}{{ gg }}',
    '{%- generation -%} g {%- endgeneration -%} z',
    ' {% generation %}\n g\n {% endgeneration %}\n z',
    "{% for i in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a','b') }}{{ loop.changed(i) }}{{ loop.previtem is defined }};{% endfor %}",
    "{% for i in l|select('odd') %}{{ loop.index }}{{ loop.last }}{{ loop.length }}{{ loop.nextitem }};{% endfor %}",
    '{% for i in l if i > 1 %}{{ loop.index }}/{{ loop.length }}{{ i }}{% endfor %}',
    '{% for i in l if i > 99 %}x{% else %}none{% endfor %}',
    '{% for i in [] %}x{% else %}none{% endfor %}',
    '{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}',
    '{% for k, v in d|items %}{{ k }}={{ v }};{% endfor %}',
    '{% for k in d %}{{ k }}{% endfor %}',
    "{% for c in 'aé🦉' %}[{{ c }}]{% endfor %}",
    '{% for a, b in [[1,2],[3,4]] %}{{ a }}{{ b }}{% endfor %}',
    '{% for a, (b, c) in [[1,[2,3]]] %}{{ a }}{{ b }}{{ c }}{% endfor %}',
    '{% for a, b in [[1,2,3]] %}{{ a }}{% endfor %}',
    '{% for a in x %}{% endfor %}',
    '{% for a in n %}{% endfor %}',
    '{% for a in undef %}x{% else %}none{% endfor %}',
    '{% for a in 1, 2 %}{{ a }}{% endfor %}',
    '{% for i in range(3) %}{% for j in range(2) %}{{ loop.index }}{{ i }}{{ j }},{% endfor %}{{ loop.index }}{% endfor %}{{ loop }}',
    "{% set tree=[{'n':'a','c':[{'n':'b','c':[]},{'n':'d','c':[{'n':'e','c':[]}]}]}] %}{% for i in tree recursive %}{{ i.n }}{{ loop.depth }}({{ loop(i.c) }}){% endfor %}",
    '{% for i in l %}{{ loop(l) }}{% endfor %}',
    '{% for i in l %}{{ loop }}{% endfor %}',
    '{% for i in l %}{% if loop.changed(i > 1) %}c{% else %}s{% endif %}{% endfor %}',
    '{% if x > 3 %}a{% elif x > 2 %}b{% else %}c{% endif %}',
    '{% if e %}a{% elif n %}b{% else %}c{% endif %}',
    '{% if e %}a{% elif t %}b{% else %}c{% endif %}',
    '{% if undef %}a{% else %}c{% endif %}',
    '{% if undef.x %}a{% endif %}',
    '{% print x, y %}',
    '{% do x %}',
    '{% nope %}',
    '{% if x %}',
    '{% endif %}',
    '{{ x',
    '{{ x }',
    '{% if x }}',
    '{# x',
    "{{ 'x }}",
    "{{ {'a':{'b':1}}['a']['b'] }}",
    "{{ {'a':{'b':1}} }}",
    '{{ \'}}\' }}{{ "%}" }}',
    "{% if '%}' %}x{% endif %}",
    '{{-1}}',
    '{{ - 1 }}',
    'a {{- x -}} b',
    'a {{+ x }} b',
    '{{ x +}}',
    '{{ x -}}\n\n b',
    '{%- set a = 1 -%}\n\n b',
    '{%- for m in messages -%}\n  {{- m.role }}\n{% endfor -%}\n end',
    '{% for m in messages recursive %}{{ m.role }}{% endfor %}',
    '{% for m in messages[1:] %}{{ m.role }}{% endfor %}',
    "{% for m in messages if m.role != 'user' recursive %}{{ m.role }}{% endfor %}",
    '{% for m in (messages if t else []) %}{{ m.role }}{% endfor %}',
    "{% set x = 'a' if t else 'b' %}{{ x }}",
    "{% set content = messages[2].content if messages[2].content is defined else '' %}{{ content }}",
    '{{ messages[2].reasoning_content }}{{ messages[0].reasoning_content is defined }}',
    '{{ messages }}',
    '{{ messages | tojson(indent=2) }}',
    '{{ tools }}{{ documents }}{{ add_generation_prompt }}',
    '{%if t%}a{%endif%}',
    '{%if(t)%}a{%endif%}',
    '{{x}}{{y}}',
    "{{ x|string|upper ~ '-' ~ y }}",
    '{{ not t }}',
    '{{ x is not defined or y is defined }}',
    '{% set a = [] %}{% set a = a + [1] %}{{ a }}',
    '{% set _ = l.append(1) %}{{ l }}',
    '{% set foo = {} %}{{ foo }}{% if foo %}y{% endif %}',
    "{% if 'role' in messages[0] %}y{% endif %}",
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set sm = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set sm = false %}{% endif %}{% for m in loop_messages %}{{ m.role }}{{ sm }}{% endfor %}",
    "{% if (messages[1].role == 'user') != (1 % 2 == 0) %}{{ raise_exception('alternate') }}{% endif %}",
    "{{ raise_exception('x' ~ 1) }}",
    '{% if t: %}a{% endif %}',
    '{% for x in l: %}{{ x }}{% endfor %}',
    "{{ messages|map(attribute='content')|map('trim')|join('-') }}",
    "{% set x2 = messages|selectattr('role','equalto','user')|list %}{{ x2|length }}{{ x2[0].content }}",
    "{%- if messages and messages[0].role == 'system' -%} S {%- endif %} T",
    '\t{% if t %}\t\n\tq{% endif %}',
    'x {% if t %}\n\ty\n\t{% endif %}\n',
    '\xa0{% if t %}a{% endif %}',
    'a\x0b\n {%- if t %}b{% endif %}',
    "é{{ 'é\\x41\\u00e9\\U0001F989\\101\\q\\'' }}",
    "{{ 'a' if t }}{{ 'a' if e }}|",
    "{{ [1, 2, ] }}{{ (1, ) }}{{ {'a': 1, } }}",
    '{{ f(1,) }}',
    '{{ range(1,) }}',
    "{{ dict(**{'a':1}) }}{{ range(*[1,3])|list }}",
    '{{ range(*[1,3], 4) }}',
    '{{ (x) (y) }}',
    '{{ x is divisibleby 5 and y }}',
    '{{ x is eq 5 or y }}',
    '{{ x is in [5] }}',
    "{{ 'a' is string is true }}",
    '{{ x | default(1) | string }}',
    "{{ x.y.z | default('no') }}",
    "{{ undef.y | default('no') }}",
    "{{ undef['y'] is defined }}",
    '{{ messages[0].foo.bar }}',
    '{{ messages[0].foo is defined and messages[0].foo.bar }}',
    '{% set a.b = 1 %}',
    '{% set ns = namespace() %}{% set ns.x %}blk{% endset %}{{ ns.x }}{{ ns.nope }}',
    "{% set ns = namespace(d={'a':1}) %}{{ ns.d.a }}{{ ns['d'] }}{{ ns.d['a'] }}",
    '{% macro m(x) -%}\n  a{{ x }}\n{%- endmacro %}[{{ m(1) }}]',
    '{% for i in range(2) %}{% macro g() %}{{ i }}{% endmacro %}{{ g() }}{% endfor %}',
    '{% set f = 1 %}{% macro f2() %}{% set f = 2 %}{{ f }}{% endmacro %}{{ f2() }}{{ f }}',
    '{% for i in range(3) %}{% if i == 1 %}{% set found = i %}{% endif %}{{ found }}{% endfor %}{{ found }}',
    '{{ loop is defined }}{% for i in [1] %}{{ loop is defined }}{% endfor %}',
    '{{ caller is defined }}',
    "{{ 'a\nb' }}",
    '{{ "a\\\nb" }}',
    '{{ x ;y }}',
    '{{ x $ }}',
    '{{ x ! }}',
    '{{ }}',
    '{% %}',
    '{{ x, y }}',
    '{{ x, }}',
    '{{ [x, y],  }}',
    '{{ 1 if }}',
    '{{ a.b.(c) }}',
    "{{ a.'b' }}",
    '{% set 1 = 2 %}',
    '{% set true = 2 %}',
    '{% for true in l %}{% endfor %}',
    '{% set a = 1 %}{% set a.b = 2 %}',
    "{%- macro r(m) -%}{%- for c in m.content -%}{{ c.text }}{%- endfor -%}{%- endmacro -%}{{ r({'content':[{'text':'q'}]}) }}",
    "{{ '%s' | format('a') }}{{ '%s %s' | format('a', 'b') }}{{ '%(x)s' | format(x=1) }}",
    "{{ messages | map(attribute='role') | unique | sort | join }}",
    "{{ range(10) | batch(3) | map('join', '-') | join('/') }}",
    "{{ {'a': 1} | items | list }}",
    "{{ messages | groupby('role') | map(attribute='grouper') | list }}{% for g in messages|groupby('role') %}{{ g.grouper }}{{ g.list|length }}{% for k, v in [g] %}{{ k }}{% endfor %}{% endfor %}",
]
SPACES = [
    '\nx\ny {% for i in l %}\n\n {%-\n if e +%}%{%\n endif %}\xa0\r\n  ax \n\n\n\tx\n#\n\n\xa0\r\nx{%\n endfor%}\r\n\n\n\n\n',
    '  {%+ raw%}\xa0{{ q }}  y  {% endraw%}\t\r\n \r\n\xa0{%-set v = x + 1 \n+%}{{ v -}}\xa0{{- messages|length }}\r\n\n\n y ',
    '\xa0\r\n\xa0\n\n{#++#}\xa0  {# c -#}\t\n\xa0',
    '{% for i in [] %}\r\nx%  {%- if i==1-%}xy {%continue %}\n\n  {% endif%}\r\n\n\n } y #\xa0\r\n\xa0{%endfor \n+%} x\t {{ x -}}\n\n',
    '  x\xa0{{+ messages|length }}\n\n\r\n\xa0{%-macro m(a) \n%}\ty {%+\n if t %}\n\n  {%\n if t +%}#\n\n\t\n%x\n\n%\ty {% endif%}\xa0\n\n\n\n  \n{%-\n if t \n-%}#x\xa0{\n\n  y \xa0\xa0a\xa0x{%-else \n%}x  {\r\n \n\n{%+endif +%}\n{#-{{ x }}+#}\xa0\t\t{%endif%}\nxa  y \n %{{- a }}{%endmacro \n%}{{ m(1) }}\n\nay \n\n\t',
    'x{# c #}  y ',
    '{% set v = x + 1 %}{{+ v -}}x\r\n\t\t a \n\nx\n{#+ c #} \xa0\t ',
    '{#- c #}xy {{ messages|length -}}\r\n',
    '\t  \n\n{%+\n if t-%}\n\n\nx{%+ for i in [1,2] -%}\n\n{%\n set v %}\n  %\t\n\ny %\nx\nx}{%+endset \n-%}{{ v -}}a\xa0\r\n    \n\ny \n \xa0\xa0{%endfor \n-%}  \xa0  \n{#-{{ x }}#}\xa0  {#++#}\xa0\xa0{% else+%}\ny xy {#+{{ x }}#} \t \xa0{#+ c +#}  \n\n{%+endif \n+%}\xa0\t \t',
    'text\n\n \n\xa0x{%+ for i in [1,2] \n%}\t{% raw \n%}x\r\n\r\n{{ q }}y \r\n\n\ny {%+\n endraw %}\r\n \xa0%\n\n\n\n\n }{%+\n else \n%}%\xa0x\xa0\n\n\xa0%xx\t\xa0a\tx \n\n{%endfor%} \n',
    '{{ n -}}  \n\ny ',
    '  \t\n\na  \t',
    'x  {{+ undef }}\t\r\n\r\n%\r\n\xa0\n\n',
    '}\r\n\n\n }\n\n\t\t\xa0\xa0\n{% set v = x + 1-%}{{+ v -}}\r\n',
    '  {#+ c +#}y {{ undef }}y x',
    ' \t\t}\r\n\r\n\xa0\xa0\n\r\n\n\n{%+\n if t %}\n\ny \xa0text\xa0{%endif \n%}xy \n',
    '\t{% raw-%}\xa0  \r\n{{ q }}{%\n endraw \n%}y \r\n\t\xa0\r\n\xa0\n\n{%- raw%} y {{ q }}{%- endraw%}\xa0\n\n\n}x\n\nx',
    ' \xa0y {  \tx\n  {#{{ x }}#}',
    'x{%- if t -%}x\t\t\r\n%\xa0\xa0\xa0y \xa0{#+ c #}{%- else -%}y {{ x }}\r\n\r\n\ny {%-\n endif-%} \r\n  y ',
    '{%+set v = x + 1 \n+%}{{- v -}}  x{{ undef -}}\n\n\n\n  a\r\n  ',
    'xy {#-#} \n\n\n\r\n{{+ messages|length }}x',
    '  text  \xa0\n\n{%-macro m(a) \n-%}\n{%\n for i in [1,2]+%}{%for i in l \n%}     }\xa0  \r\n\t {%+ endfor \n%} \r\n y \t\xa0}\n  x\t{{ s }}\n\ny y \xa0\xa0xa\t {%+ endfor%}\ty y {{+ a -}}{%- endmacro %}{{ m(1) }}\ty \n\ny {#{{ x }}-#}y y \n\nx',
    '{{ x }}\r\ny   y {{ messages|length -}}',
    'x\n\ny {{- x -}}\n\ny \xa0  a\r\n\r\n\r\ny \n{%if e +%}x\n\n}xx  x\ta\ty \n\n\xa0    {%\n macro m(a) \n+%}  \xa0y {{+ messages|length }}\t\xa0%  {{ x -}}{{+ a }}{%+ endmacro%}{{+ m(1) }} {%+\n else \n-%}{% for i in l \n+%}   \n{%\n for i in [1,2] \n-%}\n\n%x\r\n\r\n\t\xa0a\n\n{  \t \t\r\n}y  \n\ty \t\r\na  \n{%\n endfor-%}\r\n xa{%endfor%}\xa0y {%+ endif+%}\n\n\n\n',
    '\xa0\r\na\r\n}y ',
    '   \n\nx',
    '\ttext\n',
    '\xa0y  texty \r\n  ',
    '{{+ e }}x\n\r\n\xa0  \n\n{#{{ x }}+#}\t',
    '  \n\n%\t',
    '{%\n raw %}\xa0\t\r\nx{{ q }}\t{%endraw+%}',
    'a\r\ny \xa0{{ undef -}}\n \t\xa0y {% generation %}\r\ny {#+{{ x }}+#}\n\n\n\n\ny {%- endgeneration \n+%}',
    ' x  {%for i in [1,2] \n%}\n\n {%if e%} \n\n  \t \tx{%\n raw %}{{ q }} \n\n{% endraw-%}\n\n\xa0\xa0{%\n set v \n%}y  x#\n\nxtext{%endset %}{{- v }}{% else \n%}}   \r\n\xa0{%+\n if t-%}\n  }text\xa0x{%+endif%}x{%-\n endif \n%}y \n\tx\n{{ s }}\xa0#  \t\n\ny \nx #  \r\n\r\n\r\n\n\n {%-endfor%}x\n\r\n\n',
    '  {%\n set v = x + 1%}{{+ v }}\r\n\ny {{- messages|length }}\n    \xa0\t\n\ny {%\n if t -%}{{ undef }}x\r\n{%+\n else \n-%}{%for i in [] %}{#{{ x }}#}{% if i==1 %}\r\n{%-\n break%}  \n  \xa0{%+ endif \n%}\xa0\r\n\ttext\n\n  \r\n\xa0\n\n  a{%endfor \n%}y {%+endif %}\xa0',
    'x\r\n\t{%\n if e -%}\r\nxy  {{ messages|length -}}\r\n y   {# c #}\t \xa0{%endif \n%}\n\n\n\n\r\n\xa0{%\n macro m(a) +%}y {% for i in [1,2] +%}\n\xa0\n}  \r\n \n\n\r\ny \r\na  xy \xa0\r\n\r\nx     {%-if i==1 \n%}\t\xa0 {%+\n break \n+%}\r\n\n\ny {%endif%}  x\tx{%-\n endfor+%} {{ a }}{%-\n endmacro+%}{{ m(1) -}}\xa0x\n\r\n',
    '\n\n{{ n -}}',
    '\r\n\r\n\xa0{% if e %}  %\xa0\t\t\n\n\t{%- if e %}{%+ if e %}\n\n\n\nx}  y   {% else%}  }{%- endif \n%}\n\n\r\n{%- else +%} \r\n\r\n  \xa0y \n\n\n{{- s }}{%+ endif \n%}\ny \n\n\r\n#  \n\n{%+endif \n%}\n\n\xa0y {{+ x -}}',
    '\n\n\t# \t',
    '{%macro m(a) \n%}y \r\ny {#-+#}x\n\n\n{{+ a }}{%-endmacro%}{{ m(1) }}\t \r\n\r\n{{+ s }}\t\r\n ',
    '\xa0 \t\xa0text\xa0',
    '  {{- messages|length }}\n\n   \xa0 y #xx',
    'x\n\ny {{ x }}\n\r\n\n{% if t +%}xy {#-{{ x }}#}\n \n{% endif \n+%}\t\n\ny \r\n\r\n{%set v = x + 1%}{{+ v -}}',
    '}\r\n\n\n \n\n{#- c -#}\r\n\xa0\xa0y {%+if e %}\n\n  {#+ c +#}y y x\n\n{{ n }}y x\r\n\xa0  \r\n{\n\n{%endif -%}',
    'y {%-if e \n%}{{ s }}xx\n\n \t\n\t{% raw %}x {{ q }}y  {%+endraw \n-%}x\t{%+\n endif %}\t',
    '  y text \xa0 \n\n\xa0{% for i in [1,2] %}{#-#}y \xa0   }\n\n\xa0{%\n if i==1 \n+%}{% break-%}{%endif +%}a  \t\t   \xa0}y \n\n  \xa0{% endfor \n-%}',
    '\t\t \r\n',
    '\n{%set v = x + 1 \n%}{{+ v -}}y \t\n\n{\ty \r\n\t',
    'text  #\xa0\t\ny \xa0\n\n\n{{- messages|length -}}  x',
    '\n{%+raw \n%}{{ q }}y x\n\n{%endraw \n-%}y \n\n{{- messages|length -}}{% for i in [1,2]+%}\n\n{##}ay \n\n  \t\t \xa0{%-\n else -%}y }y \n\n{%endfor %} ',
    '\n\xa0{%-set v-%}\xa0  {{ x }}\n\ny \n\n\xa0{#{{ x }}#}  \r\n\ntexty {% endset %}{{ v }}y   \r\n#\xa0\xa0y x\r\n x{#- c -#}\nx',
    'x\t{#{{ x }}#}  ',
    '{%-for i in [] \n-%}\t    {{- x }}\r\n {%set v = x + 1-%}{{ v }} a   y {%+\n endfor-%}\xa0 \r\n',
    'y \r\n\xa0{{ x }}\n\nx',
    '{%+\n generation %} { y {%set v = x + 1 \n%}{{- v }}\n  {%-endgeneration %}y   ',
    'text\n\xa0  %  \r\n\xa0x\n\t{% for i in [1,2] %}{{- undef -}}\xa0y \n\n\n\n{%+set v%}  \tx  {%-\n generation %}\n\t{   ay \xa0\r\n{%+endgeneration \n-%}\n  {%-endset-%}{{ v -}}\n\n\n\n\n \n\n{\xa0\n\n\t#\r\n\r\ny y   x\xa0text\xa0x \n\n{% endfor +%}',
    '\xa0{%for i in l \n%}\xa0  {{+ s }}\r\n\r\n\n\r\n{{- n -}} \n\n\r\n xa  xy {  x{%\n endfor%}\r\n\n\t\r\n\t\xa0{%set v %}  }\n\n\xa0\xa0\ny {% macro m(a)%}\r\ny y {%- raw%}y \ty \n\n{{ q }}\r\n{%endraw %}\t\xa0\xa0\xa0\n\n{%- set v = x + 1 +%}{{+ v }}{{- a }}{%endmacro-%}{{ m(1) }}x{%-\n endset%}{{- v }} ',
    '\n\n    \n\n{% for i in [] %}x\t}      \r\n\xa0\t\r\n#x%  y  y \t a\xa0\n\n{%\n else \n%}    y  {%+ endfor %}y \r\n',
    '{%for i in [1,2]%}\t\n\r\n{{ s }}\n\nxx\na  x\xa0   x}\xa0\r\n   {% endfor+%} \tx    \n\n{%set v = x + 1-%}{{- v -}}\xa0\n\n\n{{+ x }}\n\ny \t\n',
    '\xa0y {%- raw \n%}y x{{ q }}  \xa0  \xa0{%+\n endraw -%}\r\ny   ',
    '{%+\n raw-%}\t\n{{ q }}\n{% endraw -%}\n \r\n \r\n#\r\n\n\n\t  {{ n }}\r\n   \n\n',
    '\t{\r\n\n\n{%-\n for i in [1,2] \n+%} \xa0\r\n{# c #}y \r\n\r\n    \t\n\n\xa0\r\n  {%+\n raw %}   x\xa0{{ q }}\t{%endraw \n+%} \xa0\r\n \n\n}y \xa0\xa0{% endfor \n-%}x',
    ' \n{% for i in [] +%}\r\ny \xa0\t{#{{ x }}#}  x\r\n\r\n{##}\r\n\n  x\t{x\xa0  {\xa0\n\ny {%- endfor %}y  \n\n\n\nx\r\n{%+\n if e%}}xtext  {%-set v \n%}{#- c -#}  \xa0\r\n\n{%+\n endset-%}{{ v }}{%- endif-%}\n\n{{ undef }}',
    'y y   a\n\n\n  ',
    '{%\n set v = x + 1 \n%}{{- v -}}   \r\n{#+{{ x }}#}\n\xa0 ',
    '  { \nx{%if t \n%}{#- c #} \r\n\r\n  \n\n\n\n\n{%\n raw \n%}y x\xa0{{ q }}\r\n\t{%+\n endraw %}\n\n\t{%endif \n%}\t\t\xa0}\r\n\xa0\n\n  ',
    '\n\n \n{%+ for i in [] %}\ty x\n\n#\r\n\n\n  y \n\n {% for i in []-%}y {% for i in l \n%} \xa0}\n\n  x%\xa0\n\ta{%-\n endfor \n%}\n\xa0\xa0\r\n\n\n{#- c +#}\t  \t  \r\n{\xa0\xa0\xa0{%- endfor \n%}\r\ny \t\n\n{%\n if i==1 %} y y {%break+%}y \n\n{%+\n endif%}\xa0text\r\n\n{%+ endfor +%}\t\n',
    'x#',
    '\n\n%',
    'x\xa0    {%-for i in [1,2] %} {%if t \n%}\xa0\xa0{%-\n if t%}}\n\n\t  \t\r\na\xa0\nxy {% else%}y % {%\n endif%}\n\n\r\n\r\n\n{%-else \n-%}\n\n\n{%raw -%}x\n\nx{{ q }}\r\n\n\n\n\n {%\n endraw \n-%}\n\n  xy \n\n#    {%+\n endif%}\n  {%-\n if i==1 \n+%}\xa0{%\n continue %}   {%- endif \n+%}y \xa0\r\n#\r\ny xtext\r\ny \n %\r\n{%\n else-%} x\n{%-endfor%} \xa0\ny %\r\n\xa0xy xx#\t\t',
    '\r\ny {%for i in [] +%}y \xa0\r\n{#{{ x }}#}\n\n\n\n\n\n    {{- n }}\t y {%+endfor -%}\xa0\tx\r\n',
    'x\xa0\n\n  {%+ for i in [] \n%}   \t\xa0\n\n{%+ macro m(a) %} \xa0{#{{ x }}+#}\n\n\n\n  x\n \t{{ messages|length }}{{+ a -}}{%- endmacro-%}{{ m(1) -}}\r\n{{+ e -}}y x{%if i==1 \n%}\r\n  \n\n{%-\n break \n%}  \xa0 {%-\n endif +%}}\n\n{\n\t\r\n{\xa0{% endfor+%}\ny \n\n',
    '\xa0{\r\n\n\n a',
    '  \n{#-{{ x }}#}  ',
    '\xa0{{ s }}    \r\ntext\xa0x\ty \xa0\na   \t\xa0',
    '  \t\xa0{%-\n if t \n+%}\n\n\r\n\t{{- messages|length }}\n\n\xa0\t\n{%-\n if t %}\n   {# c #}\n \t{%-endif \n%}  y \n\n\n{% set v \n%} \r\n y {%+\n endset -%}{{ v -}} \n\n{%endif +%}y #',
    ' \n\n\n\n#\txy ',
    '\n\ny {#{{ x }}+#}',
    '\n\n#y \n\n',
    '\n\ny {#{{ x }}+#}xy \n\n#\n\n\t  \t{%\n set v -%}\t\xa0\ny    \n\r\n{% if t+%}xx{#+#}y y  {%else +%}\n{%+set v = x + 1+%}{{ v }}x\n\n\n\r\n{%endif -%}\xa0\xa0  \r\n{%+ endset %}{{ v -}}\n\n',
    'x {{ s }}x\r\nx',
    '{{+ messages|length }}\r\n\t',
    '\r\n  \xa0\t#  ',
    '{%+\n if t+%}xay {%endif \n%}  \n\n     {%for i in [1,2] \n%} {#+#}\t{%+if i==1-%}  \xa0\n\n{%+\n break%}\n \r\n  {% endif %}\n\n\r\n\n\n#\r\n \xa0\t%\n%{%+ endfor \n-%}',
    'xy x  x\t\n\n\n\ny {#{{ x }}-#}y ',
    '\t\r\n\n}y ',
    '  x {{- e }} x\t',
    '\n{{ s }}\xa0\xa0\n{%for i in [1,2] \n-%}\r\n\xa0\n}\xa0y {%\n if i==1 \n+%}{%+ break \n+%}  \n{% endif%}y }\r\n\r\n\n\n\n\n  {#  y {%+ endfor \n%}x',
    '\t#\n{%-\n for i in l+%}{%+\n set v %}x\xa0{{+ n -}}x\xa0\n\n\n\n{{+ messages|length -}}\n\n  {%endset %}{{ v }}\xa0  \t {%-\n generation%}{%+for i in [1,2]%}x \n{ y y  \r\n {\xa0\r\n{% endfor \n-%}\r\n{% for i in [1,2] +%}\r\n   \r\n{\n\n\t  \tx\n\n\n\n%{%+\n endfor \n+%}\n\ny x{#{{ x }}#}\t\t{%+endgeneration -%}\r\n#  x\t{%endfor %}  ',
    '{{- n }}\n  {%- set v = x + 1 \n%}{{ v -}}  \r\n\t{%for i in [1,2]%}{%if t \n%}\xa0{%+for i in [1,2] +%}\r\n\n\xa0%x\n\n\r\n  %{%\n endfor +%}\n\r\n\n\ny \n\n{{- s -}}{%endif%}\xa0\n{%\n if i==1 %}x\n\n  x{%\n break \n%}{% endif -%}\n\n a\ty  \t\r\na\xa0  \t\t\n\r\n{% endfor +%}',
    'xx  \n\xa0',
    '{#{{ x }}#}',
    'y \n textx\nxx',
    ' \n{%+ raw \n%}{{ q }}x\xa0\n{% endraw %}',
    'ax\xa0\xa0',
    'x{%+\n if t%}x\n\n\n\n\r\n{%\n for i in l -%}y text \n\n\n\n  y xtext{%-\n for i in []-%}text\t\t\xa0#{%endfor %}\r\n\xa0\xa0y \r\nx{ \xa0\t\n\n#\tx\n\n\t}\n\n\n\n{%endfor %}\r\n{%-\n if e \n%}\n\n{{+ s }}\n\nx\n{%-endif +%}xx\n\n{%-endif-%} x\ny   x{\n\n\n\n\t{{ e -}}\r\n\xa0',
    'y \xa0  {{- n }} \n\n',
    '  y  \n{{+ n }}\nx\t\r\n{% if e %}  \n{%if e%} {% for i in [1,2] -%}  \r\n}y \r\n\n\nx\r\n\ttextx  \n  \t}a {%-endfor \n-%}{% endif +%}{%\n set v%}\n\n\n\n{{ n }}y x\t\xa0\t\n{# c #}x\xa0   \t{%if e-%}\r\n\t  a\n\n#\t  {{% else-%}\xa0 \xa0\r\na  \n\n   #y     \ty text\xa0\n\n{%endif -%} \n\ny {%- endset \n%}{{ v }}\n\n\n  \r\n\n}{%\n endif %}\n\ny y ',
    '{%-\n set v %}\r\nx{%-if e -%}y a\xa0{%+for i in l \n+%}y }\xa0a\t  #y \n\r\n{%else %}} \n\nx\t\ty # y x  \xa0text{%\n endfor %}\r\n  xx{{ x -}}y   y x{%endif %}text\t {%\n endset \n%}{{+ v -}}\xa0\r\n\t \n\n  {%- raw -%}\r\n  {{ q }}{%- endraw %}x \n\n\r\n\r\ny  {%+\n raw \n-%}{{ q }} y {% endraw %}\t',
    '\ty   \n \n\n',
    ' \n\n\t{#++#}\n\ny \n  \n{\xa0\t\ny ',
    '\n\xa0{%raw \n%}xx{{ q }}y y x{%+endraw +%}\xa0\xa0\n\nx\n{%+raw \n%}{{ q }}{%endraw+%}\n  \r\n',
    '{x\n \r\ny {%for i in l-%}\t\n\n text{% if i==1 +%} \xa0\xa0{%+\n break %}\t{%- endif%}\n\n\ty {\r\n%\xa0\ty \t\n\n\n\n\ta{%\n endfor -%}y \t\xa0',
    'y \xa0y {%-set v = x + 1 \n+%}{{+ v }}y \n\t{%+\n raw-%}{{ q }}\t\t\xa0\n\n{% endraw %}\r\n    y #\r\n',
    '\n\r\n\t\r\n{##} ',
    'x{%\n raw%}{{ q }}\n\n{%+endraw \n%}',
    ' {%for i in l -%}\n\n \t  \n{%-\n if t%}    {\xa0{%+\n endif -%}\t\r\n\n\n{%-for i in [1,2]%} %\n\n   {\n  \r\n\n\xa0y {%-\n if t \n%}\xa0    { y {% else \n%}x\r\n\ttext\xa0 \xa0  # \xa0\n\n\n  \xa0{%endif \n%}  \n\n}\n   {%- endfor%}\t \xa0\n\t\n\n y x\r\n\t\n\n#\t\r\n  \nx\n\n\n \r\n{%-endfor \n%}y y \r\n',
    '\xa0{%+ for i in [] -%}#   \xa0x{% macro m(a) \n+%}  \n{%raw%}\n\n{{ q }}{%endraw -%}\n{% if t \n-%}%xx#x\t      {%- endif+%}\t\xa0  \t{{+ a -}}{%+endmacro \n-%}{{ m(1) }}y  y \n\n\t\n\n{%+ raw %}{{ q }} {% endraw %}\t x   \xa0{ \n  x}\n{%- endfor+%}',
    '\n\t  xa',
    '\n\n\n\n  y {{+ s }} xx {% for i in l \n-%}\xa0{% for i in l%} {%+ if e \n%}\r\n\n\n{\xa0\t\r\n%y \n \xa0\r\n\ntexty {%+\n endif \n%}x\n\nx{x\r\n\xa0  \ttext  xy a\r\n\n\n{%-\n else %} a{%+ endfor %}x{    \n\xa0text\n\xa0\n   \r\n{%-\n endfor \n-%}y ',
    '{%-\n for i in [] \n+%}\xa0%{%\n if i==1 \n+%}  \nx{%break +%}\xa0x{%endif-%}\xa0x\t text\r\n\n\n\n\n\n\r\n{{% else +%}{\r\n%{%endfor%} ',
    '\xa0\xa0x{{- s }}y ',
    '{{+ messages|length -}}\n\n\n\n\xa0%',
    '\n\n{% set v = x + 1 %}{{+ v -}} y  \n\n{%raw %}xx{{ q }} {%-endraw%}    \t\n%\r\ny ',
    '{%set v \n%}  \n\n{%-raw \n%}x  {{ q }} {%\n endraw \n+%}\xa0{%+\n for i in [1,2] \n+%}\n  #  {%-if t +%}\nx\n\n%  \xa0  \n\n\r\na\r\n\r\n \n\t\r\n#\ty {% endif +%}\n\xa0\r\nxatext\r\n{% endfor%}y {%endset \n%}{{- v }}x\t',
    'x\n\ny {%-macro m(a) \n+%}{{ e }}\n\xa0{{+ s -}}{{+ a }}{%\n endmacro%}{{ m(1) -}}\n\n\n\ny {{+ s -}}',
    '  \xa0\n{% raw%} \t\r\n\n\n{{ q }}{% endraw %}y \xa0  \r\n y {%raw-%}\xa0x{{ q }}   {%+\n endraw \n+%}\r\n  \r\n  {{- s -}}\n\n  y ',
    ' \t{%\n set v = x + 1 \n%}{{- v -}}x\r\n \t\t#\t\ty \t {% for i in [1,2] %}\tx\n\n \ny }y \n\t  %\n\n   x  text\t\r\n\ty {%-else%} \r\ntext\xa0\n\nx{%endfor +%} ',
    '\n\n\n\n\n{{ s -}}\n\n\nx ',
    'x \n\n{{ x }}   }\r\n ',
    '\n    {%\n if t \n+%}x\tx{%+ raw %}   {{ q }}\n\n\r\n\n\n{%+\n endraw +%}\r\n\n\n\n{%- else %}{% raw%}\r\ny   {{ q }}\t{%-endraw%}y {%+\n for i in [1,2] +%}{%-if t \n%}  \t\xa0#y \n\n{%\n endif%}\n  \xa0\n\n\xa0}\n\n  {\r\n\n}{%-\n else%}\r\n\xa0a\t\n\n {% endfor -%}\n\n\r\n\r\n\tx\xa0{%+\n raw-%}\n\n{{ q }}{%\n endraw %}\r\n{% endif+%}y \r\n',
]
LETTERS = [
    "{{ '١'|int }} {{ '𝟗𝟎'|int }} {{ '-٣٫'|int }} {{ '２.５'|float }} {{ '१_०'|int }}",
    "{{ 'ﬁ ŉ ẞß ς İ ı ᾳ Ꭰꭰ ΑΣ'.casefold() }}",
    "{{ 'ǅ ᾈ ǆ Ǆ aB'.swapcase() }}",
]
# A name that a part assigns is its own from its beginning; x, s, t and e are given from outside.
FRAMES = [
    '{% for m in messages %}[{{ x }}]{% endfor %}{% set x = 1 %}{{ x }}',
    '{% for m in messages %}{% if t %}T{% endif %}{% endfor %}{% set t = false %}',
    '{{ x }}{% for m in messages %}[{{ x }}]{% endfor %}{% set x = 1 %}{{ x }}',
    '{% if e %}{{ x }}{% endif %}{% for m in messages %}[{{ x }}]{% endfor %}{% set x = 1 %}',
    '{% for m in messages %}[{{ x }}]{% endfor %}{% if e %}{% set x = 1 %}{% endif %}{{ x }}',
    '{% for m in messages %}[{{ x }}]{% endfor %}{% if t %}{% if t %}{% set x = 1 %}{% endif %}{% elif e %}{% else %}{% set x = 2 %}{% endif %}{{ x }}',
    '{% for m in messages %}[{{ x }}]{% endfor %}{% if t %}{% set x = 1 %}{% endif %}{% set x = 2 %}{{ x }}',
    '{% for m in messages %}[{{ x }}]{% endfor %}{% set x = 2 %}{% if t %}{% set x = 1 %}{% endif %}{{ x }}',
    '{% for m in messages %}[{{ x }}]{% endfor %}{% set x %}b{% endset %}{{ x }}',
    '{% for m in messages %}[{{ x }}]{% endfor %}{% set s, x = 1, 2 %}{{ x }}',
    '{% for m in messages %}[{{ x }}]{% endfor %}{% macro x() %}M{% endmacro %}{{ x() }}',
    '{% for m in messages %}[{{ x }}]{% endfor %}{% set x = x %}{{ x }}',
    '{% for m in messages %}[{{ x }}]{% endfor %}{% set q = x %}{% set x = 1 %}',
    '{% for m in messages %}[{{ x }}]{% endfor %}{% for x in [1] %}{{ x }}{% endfor %}{{ x }}',
    '{% for m in messages %}[{{ x }}]{% endfor %}{% with x = 1 %}{{ x }}{% endwith %}{{ x }}',
    '{% for m in messages %}[{{ x }}]{% set x = m.role %}[{{ x }}]{% endfor %}{{ x }}',
    '{% for m in messages %}{% for i in [1] %}[{{ x }}]{% endfor %}{% set x = m.role %}[{{ x }}]{% endfor %}{{ x }}',
    '{% for m in messages %}{% for i in [1] %}[{{ x }}]{% endfor %}{% if loop.first %}{% set x = m.role %}{% endif %}[{{ x }}]{% endfor %}',
    '{% for m in messages %}{% for i in [1] %}[{{ x }}]{% endfor %}{% set x = 2 %}{% endfor %}{% set x = 1 %}',
    '{% for m in messages if x %}[{{ m.role }}]{% else %}none{{ x }}{% endfor %}{% set x = 1 %}',
    '{% for m in [] %}{% else %}[{{ x }}]{% endfor %}{% set x = 1 %}',
    '{% for m in [1, [2]] recursive %}[{{ x }}]{% if m is iterable %}{{ loop(m) }}{% endif %}{% endfor %}{% set x = 1 %}',
    '{% macro f() %}[{{ x }}]{% endmacro %}{{ f() }}{% set x = 1 %}{{ f() }}',
    '{% macro f(a=x) %}[{{ a }}]{% endmacro %}{{ f() }}{% set x = 1 %}{{ f() }}',
    '{% macro f() %}{% set x = 2 %}[{{ x }}]{% endmacro %}{{ f() }}[{{ x }}]',
    '{% macro f() %}{% for i in [1] %}[{{ x }}]{% endfor %}{% set x = 2 %}{% endmacro %}{{ f() }}',
    '{% macro f() %}{{ caller() }}{% endmacro %}{% call f() %}[{{ x }}]{% endcall %}{% set x = 1 %}{% call f() %}[{{ x }}]{% endcall %}',
    '{% filter upper %}[{{ x }}]{% endfilter %}{% set x = 1 %}',
    '{% filter default(x) %}{% set x = 1 %}{% endfilter %}{{ x }}',
    "{% filter replace('a', x|string) %}a{% set x = 1 %}{% endfilter %}",
    "{{ x }}{% set q | replace('a', x|string) %}a{% set x = 1 %}{% endset %}{{ q }}",
    '{% set q %}[{{ x }}]{% endset %}{{ q }}{% set x = 1 %}',
    '{% with q = x %}[{{ x }}{{ q }}]{% endwith %}{% set x = 1 %}',
    '{% with q = 1 %}[{{ x }}]{% endwith %}{% set x = 1 %}',
    '{% with x = x, q = x %}[{{ x }}{{ q }}]{% set x = 2 %}{{ x }}{% endwith %}{{ x }}',
    '{% generation %}[{{ x }}]{% endgeneration %}{% set x = 1 %}',
    '{% block b %}[{{ x }}]{% endblock %}{% set x = 1 %}',
    '{% set x = 1 %}{% block b %}[{{ x }}]{% set x = 2 %}{{ x }}{% endblock %}{{ x }}',
    '{% block b scoped %}[{{ x }}]{% endblock %}{% set x = 1 %}',
    '{% for i in [1, 2] %}{% block b scoped %}[{{ i }}{{ x }}]{% endblock %}{% set x = i %}{% endfor %}',
    '{% for i in [1, 2] %}{% set x = i %}{% block b scoped %}[{{ i }}{{ x }}]{% endblock %}{% endfor %}',
    '{% for i in [1, 2] %}{% set x = i %}{% block b %}[{{ i }}{{ x }}]{% endblock %}{% endfor %}',
    '{% for x in [1, 2] %}{% block a scoped %}{% block b %}[{{ x }}]{% set x = 3 %}{% block c %}{{ x }}{% endblock %}{% endblock %}{% endblock %}{% endfor %}',
    '{% set ns = namespace(x=x) %}{% for i in [1, 2] %}{{ ns.x }}{% set ns.x = i %}{% endfor %}{{ ns.x }}{{ x }}',
    '{% for i in [1] %}{{ range(2)|list }}{% endfor %}{% set range = 1 %}{{ range }}',
    '{% for i in [1] %}{{ x is defined }}{{ x|default("d") }}{% endfor %}{% set x = none %}',
]
CASES = ['{{ ' + each + ' }}' for each in EXPRESSIONS] + STATEMENTS + SPACES + LETTERS + FRAMES
