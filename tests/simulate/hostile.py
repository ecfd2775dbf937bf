"""Scripts that try every corner of iPXE's script language.

What they say begins with "=", so that it can be told from what iPXE says by
itself. Each runs within another script, by `chain`.
"""

import random

SCRIPTS = {
    "spaces": b"echo =a \t b  c\n\t echo\t=d\n   \n\t\necho =e\x0bf\x0cg\n",
    "line-ends": b"echo =a\r\necho =b\r\r\necho =c\n\n\r\necho =d",
    "nul": b"echo =a\0b\necho =c\0\\\necho =d\n",
    "continuation": b"echo =a \\\n  b\\\nc\\\r\nd\n:\\\nl echo =l\necho =e\\\\\n\necho =f\n",
    "ends-in-backslash": b"echo =a\necho =b\\",
    "comments": b"# echo =a\necho =b # c\necho =d#e\n#||echo =f\n  # x\n:l # y\necho =g ||# echo\n",
    "operators": b"""iseq a b && echo =1 || echo =2 && echo =3
iseq a a || echo =4 && echo =5
iseq a b ; echo =6
echo =a;b&&c||d e
|| echo =7
&& echo =8
; echo =9
echo =10 || || echo =11
echo =12 | echo =13
iseq a b || iseq a b || echo =14
iseq a b ||
echo =15
""",
    # Raw names with labels, pointers back and forth, several of them, and damage;
    # then how a value is cut where a glob ends (compiler/emit_rules.c).
    "names": b"".join(
        b"set d:hexraw %s\necho =%s ${d:dnssl}|\n" % (raw, raw)
        for raw in (
            b"00 0000 0161 016100 0161016200 01610003626364000000 0161000000",
            b"0161000000016200 016100c000 016100400001 0161018000 0161c003",
            b"05616263 0161 016100016200 c000 80 0161000180000161 02610000",
            b"0161620300c00001 036162630163c000 0161002e00 04312e32330000",
        )
        for raw in raw.split()
    )
    + b"set zeros " + b"00" * 58 + b"\n" + b"".join(
        b"set x:hexraw %s\nset hex ${x:hexraw}\nset hexhex ${hex:hexraw}\n"
        b"set d:hexraw %02x${hexhex:hexraw}${zeros}\necho =${d:dnssl}|\n"
        b"set cut.${d:dnssl}/hit yes\n"
        b"isset ${cut.%s/hit} && echo =yes || echo =no\n"
        b"clear cut.${d:dnssl}/hit\n"
        % (value.hex().encode(), 4 * len(glob), glob.hex().encode().hex().encode())
        for glob in (b"D", b"Dell", b"Dell Inc. Power")
        for value in (
            *[b"", b"D", b"E", b"Del", b"Dell", b"Dello", b"dell", b"DellX" * 20, b"\xff" * 9],
            *[b"Dell Inc. Powe", b"Dell Inc. Power", b"Dell Inc. Power!", b"Dell Inc. PoweR"],
            *[b"Dell Inc. PowerEdge R640" + b"z" * n for n in (0, 1, 7, 11, 12, 13, 14, 29)],
        )
    ),
    "failure-ends": b"echo =1\niseq a b\necho =2\n",
    "exit-in-line": b"echo =1 && exit 0 && echo =2\necho =3\n",
    "exit-status": b"exit 7\n",
    "exit-nonsense": b"exit x || echo =1\nexit 1 2 || echo =2\nexit 0x0\necho =3\n",
    "goto": b"""goto a || echo =not here
:b
echo =b
goto c && echo =never
:a echo =a
goto b
:c
echo =c
goto none || echo =none
goto A || echo =case
goto || echo =nothing
goto a b || echo =two
""",
    "labels-twice": b"""set n:int32 0
:l
inc n
echo =first ${n}
iseq ${n} 3 && goto end ||
goto l
:l
echo =second
:end
echo =end
""",
    "labels-odd": b"""goto :x || echo =1
::x echo =2
goto ${nothing} || echo =3
goto a#b || echo =4
goto end
:a#b echo =5
: echo =empty label
:end
  :spaced   echo =6
""",
    "label-by-value": b"set l x y\ngoto ${l} || echo =1\nset m mid\ngoto ${m}\n:${m} echo =2\n:mid echo =3\n",
    "expansion": b"""set a b
set b c
set c d
echo =${${a}} ${${${a}}} ${${b}}${c}
echo =${nothing}. ${} ${:string} ${/} ${a/} ${a:} ${a:nothing} ${nothing/a}.
echo =${ ${a $a {a} $} } ${a}}
echo =${${nothing}a} ${a${nothing}}
echo =$${a} ${a}${b}{c}
""",
    "made-of-values": b"""set d $
set o {
set e }
echo =${d}{a} ${d}${o}a} ${d}{a${e}.
set a x
set v ${d}{a}
echo =${v}.
set w:uristring %24%7Ba%7D
echo =${w} ${w:string}.
set or ||
iseq a b ${or} echo =never || echo =operator is no operator
set hash #
echo =${hash} =a
set cmd echo =hello
${cmd} || echo =one word
set cmd echo
${cmd} =command
""",
    "tokens-stay": b"set a x y\niseq ${a} ${a} && echo =same\nisset ${a} && echo =set\niseq ${a} x y || echo =three\n",
    "options": b"""echo -n =a
echo
echo -- -n =b
echo =c -n
echo --n =d
echo
echo -x =e || echo =bad option
echo --help =f || echo =help
set -x y || echo =set
set v -x
iseq ${v} -x || echo =iseq
iseq -- ${v} -x && echo =iseq with dashes
echo - || echo =dash
isset - || echo =dash
isset -- - && echo =dash
inc -h || echo =inc
imgfetch --name || echo =name
imgfetch --na x || echo =short
imgfetch --timeout 1x http://x || echo =timeout
""",
    "counts": b"""iseq a || echo =1
iseq a b c || echo =2
isset || echo =3
clear || echo =4
clear a b || echo =5
set || echo =6
inc || echo =7
inc a 1 1 || echo =8
""",
    "settings": b"""set x 1
echo =${x} ${x:int32} ${x:hex} ${x:hexraw} ${x:uint8}.
set x
echo =${x}.
set x ${nothing}
isset ${x} || echo =gone
clear x && echo =clear what is not there
set blk/x 5
echo =${blk/x} ${x} ${blk.x} ${blk/y}.
set x 6
echo =${blk/x} ${x}
clear x
echo =${x}
clear blk/x
echo =${x}.
set a.b/c deep
echo =${a.b/c} ${a/c} ${c}.
set bad:type x || echo =type
set X upper
echo =${X} ${x}.
""",
    "numbers": b"""inc n
inc n 0x10
echo =${n} ${n:uint32} ${n:hexraw}
inc n -3
echo =${n}
set s 5
inc s || echo =string
set i:int8 6
inc i 300
echo =${i} ${i:uint8} ${i:int32}
set i:int16 0x1ffff
echo =${i}
set i:uint8 -1
echo =${i} ${i:int8}
set i:int32 010
echo =${i}
set i:int32 08 || echo =octal
set i:int32 1x || echo =x
set i:int32 +5
echo =${i}
set i:uint32 0
echo =${i}
inc n x || echo =step
inc fresh 2
echo =${fresh}
""",
    "types": b"""set h:hex 00:ff:10
echo =${h} ${h:hexhyp} ${h:hexraw} ${h:base64} ${h:uristring} ${h:int32} ${h:uint32} ${h:ipv4}.
set h:hex 0 || echo =odd
set h:hex 00:f || echo =odd
set h:hex 00-ff || echo =separator
set h:hexhyp 00-ff
echo =${h}
set h:hexraw 00ffa
set h:hexraw 41424344
echo =${h} ${h:string} ${h:ipv4} ${h:base64} ${h:uuid}.
set h:base64 QUJD
echo =${h} ${h:string}
set h:base64 QUJ || echo =base64
set u:uristring a%20b%2fc%zz%4
echo =${u} ${u:string} ${u:hexraw}
set u:uristring %c3%a9/?x=1&y#z
echo =${u}
set i:ipv4 10.0.0.1
echo =${i} ${i:hexraw} ${i:int32}
set i:ipv4 10.0.1 || echo =ipv4
set i:ipv4 10.0.0.256 || echo =ipv4
set g:uuid 00112233-4455-6677-8899-aabbccddeeff
echo =${g} ${g:guid} ${g:hexraw}
set g:guid 00112233-4455-6677-8899-aabbccddeeff
echo =${g} ${g:uuid}
set g:uuid 00112233445566778899aabbccddeeff
echo =${g}
set g:uuid 0011 || echo =uuid
""",
    "known-names": b"""set hostname x y
echo =${hostname} ${12} ${0xc} ${014}.
set 12 z
echo =${hostname}
clear hostname
set ip 1.2.3
set ip 1.2.3.4
echo =${ip} ${ip:hexraw}
clear ip
set mac x || echo =mac
set uuid x || echo =uuid
set 175.189 5
echo =${san-drive} ${175.189} ${0xaf.0xbd}
clear san-drive
set 250 other
echo =${250} ${0xfa} ${250:hexraw}.
clear 250
set errno 5
echo =${errno} ${builtin/errno}.
clear errno
""",
    "cards": b"""echo =${net0/mac} ${net0/mac:hexraw} ${net0/mac:hexhyp} ${net0.mac} ${net1/mac} ${net2/mac}.
echo =${mac} ${net0/ifname} ${net0/ip}.
set idx:int32 0
:next
isset ${net${idx}/mac} || goto end
echo =${idx} ${net${idx}/mac:hexraw}
inc idx
goto next
:end
echo =${platform} ${builtin/platform} ${buildarch} ${nothing/platform}.
set net0/foo bar
echo =${net0/foo} ${net1/foo} ${foo}
clear net0/foo
ifopen nothing || echo =no card
""",
    "facts": b"""echo =${uuid} ${uuid:hexraw} ${serial} ${serial:uristring} ${serial:hexraw} ${asset:uristring} ${product}.
iseq ${serial:uristring} SN%2042%2F7 && echo =it
set serial other
echo =${serial}
set serial SN 42/7
""",
    "images": b"""imgfree nothing || echo =none
imgstat nothing || echo =none
imgfetch --name one BASEcase/data.bin && echo =fetched
imgfetch BASEcase/nothing || echo =not found
imgfetch --name one BASEcase/data.bin a b c && echo =again
imgargs one x && imgargs one
imgselect one || echo =no program
boot one || echo =no program
imgfree one && imgfree one && echo =both
imgstat one || echo =gone
imgfetch data.bin && imgfree data.bin && echo =relative
imgfetch ./data.bin && imgfree data.bin && echo =here
imgfetch ../case/data.bin && imgfree data.bin && echo =above
imgfetch ../.././../case/data.bin && imgfree data.bin && echo =far above
imgfetch /case/data.bin && imgfree data.bin && echo =top
imgfetch .../data.bin || echo =no such directory
imgargs nothing-here || echo =args
""",
    "digests": b"""imgfetch --name d BASEcase/data.bin
sha256sum --set s d && echo =${s}
sha256sum --set t:base64 d && echo =${t}
iseq ${s} SHA && echo =same
sha256sum nothing-here || echo =none
sha256sum || echo =usage
imgfree d
""",
    "nested": b"""set depth outer
chain --autofree BASEcase/inner.ipxe && echo =back ${depth}
chain --autofree BASEcase/inner.ipxe x y || echo =failed
imgstat inner.ipxe || echo =freed
chain BASEcase/inner.ipxe
imgstat inner.ipxe && echo =kept
imgfree inner.ipxe
chain --replace --autofree BASEcase/inner.ipxe
echo =never
""",
    "unknown-commands": b"nonsense || echo =1\nECHO =2 || echo =3\n/bin/sh || echo =4\necho=5 || echo =6\n",
    "long-line": b"set long " + b"x" * 5000 + b"\necho =${long}" + b"y" * 5000 + b"\n",
    "long-value": b"set a 0123456789\n" + b"set a ${a}${a}\n" * 8 + b"echo =${a}\n",
    "many-words": b"echo =" + b" a" * 200 + b"\nset many" + b" b" * 250 + b"\necho =${many}\n"
    + b"iseq" + b" c" * 100 + b" || echo =too many\n",
}

# Beside the scripts.
FILES = {
    "data.bin": b"some data\n" * 100,
    "inner.ipxe": b"#!ipxe\necho =inner ${depth}\nset depth inner\ngoto end\n:end\necho =${depth}\n",
}


# --- scripts by chance --------------------------------------------------------------

NAMES = ["a", "b", "c", "ab", "a/b", "b.c/a", "A"]
TYPES = ["", "", "", ":string", ":int8", ":int32", ":uint16", ":hex", ":hexraw", ":uristring"]
VALUES = [
    *["x", "y", "x y", "1", "0x10", "08", "-1", "255", "300", "aa:bb", "aabb", "%41%zz"],
    *["${a}", "${b}", "${c}", "${${a}}", "${a${b}}", "${ab}${c}", "$", "{a}", "}", "${"],
    *["a#b", "#", "||x", "&&", "||", ";", "-n", "--", "a=b", "/", ":", "${net0/mac:hexraw}"],
    *["${a:hexraw}", "${b:string}", "${c:uristring}", "${a/b}", "${A:int32}", "${}"],
]


class Chance:
    """A script by chance; the same for the same seed. It always ends."""

    LINES = 25

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, rows):
        return self.random.choice(rows)

    def value(self):
        return " ".join(self.pick(VALUES) for _ in range(self.pick([1, 1, 1, 2, 3])))

    def command(self):
        name = self.pick(NAMES)
        return self.pick(
            [
                f"set {name}{self.pick(TYPES)} {self.value()}",
                f"set {name}{self.pick(TYPES)} {self.value()}",
                f"clear {name}",
                f"inc {name} {self.pick(['', '1', '0x7', '-2', '${c}'])}",
                f"isset {self.pick(VALUES)}",
                f"iseq {self.pick(VALUES)} {self.pick(VALUES)}",
                f"echo =${{{name}{self.pick(TYPES)}}} {self.value()}",
                f"echo ={self.value()}",
                f"goto {self.pick(['l1', 'l2', 'l3', 'none', '${a}'])}",
            ]
        )

    def line(self):
        words = [self.command()]
        while self.random.random() < 0.5:
            words += [self.pick(["||", "&&", ";", "||"]), self.command()]
        if self.random.random() < 0.7:
            words.append("||")
        return self.pick([" ", "  ", "\t"]).join(words)

    def script(self):
        """No label is passed more often than ten times."""
        lines = [self.line() for _ in range(self.LINES)]
        for number in (1, 2, 3):
            guard = f"inc guard{number} ||\niseq ${{guard{number}}} 10 && exit 0 ||"
            place = self.random.randrange(len(lines))
            lines.insert(place, f":l{number}\n{guard}")
        clear = [f"clear {name} ||" for name in NAMES]
        clear += [f"set guard{number}:int32 0" for number in (1, 2, 3)]
        return ("\n".join([*clear, *lines]) + "\n").encode()
