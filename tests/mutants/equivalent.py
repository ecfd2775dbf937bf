"""Changes after which a script does the same, or nothing that counts.

Each row: why, of which sites and texts, and patterns of whole lines; then, where only some
changes of these lines are meant, in which ways, and a pattern of what they become.
What the proof lets pass and is in no row is a gap of the proof.
"""

import re

# why, where, lines, ways, what they become
ROWS = [
    ("only said on the console", "", r"set node (unidentified|unknown|this) machine", "", ""),
    ("only said on the console", "", r"set (step|reason) .*", "", ""),
    ("only said on the console", "", r"clear macs \|\||goto unknown-card", "", ""),
    ("only said on the console", "", r"iseq \$\{idx\} 0 && set macs .*", "", ""),
    ("only said on the console", "",
     r"isset \$\{net\$\{idx\}/mac\} \|\| goto unknown-show", "", ""),
    ("only said on the console", "", r"ntp \$\{static-ntp\} \|\| echo .*", "word|careless", ""),
    ("only said on the console: from where it is counted", "",
     r"set idx:int32 0", "delete|word", ""),
    ("how long to wait for others", "", r".*--timeout \d+ .*", "word", r".*--timeout \d+1 .*"),
    ("an error that never is, or that the next line is about", "",
     r"(imgfree|sleep|reboot|poweroff|shell|ifclose|clear|set \$\{card\}/gateway|iseq|"
     r"isset \$\{static-dns\}).* \|\|", "cut", ""),
    ("no machine comes there: these commands do not fail", "",
     r"(set|imgtrust|goto|imgfree|sha256sum|imgargs|vcreate|ifopen|imgexec order|isset|iseq)( .*)? "
     r"\|\| .*", "dead branch", ""),
    ("no machine comes there", "", r":stop|goto stop|imgfree \|\||sleep 30 \|\||exit 1", "dead", ""),
    ("as good as any other word, or none", "",
     r"set (online no|lease new|lost yes|found _|initrds no|verdict again)", "delete|word", ""),
    ("there is nothing of that name", "", r"clear (got|args|magic|order) \|\|", "", ""),
    ("set again before it is asked for", "", r"set again .*", "delete|word", ""),
    ("neither line asks for what the other one does, or the one behind it is skipped", "",
     r"(set|clear|isset|iseq|imgfree|ifclose|ifopen|vcreate|ntp|imgtrust|imgfetch|imgverify|"
     r"imgargs|goto (get-|dispatch-|mac-)).*", "swap", ""),
    ("the next command opens a card as well", "", r"ifopen \$\{card\} .*", "delete", ""),
    ("a card without an address is in nobody's way", "", r"ifclose( \$\{card\})? \|\|", "", ""),
    ("what it leads to comes next", "",
     r"goto (get-(asset-)?next|dispatch-(ask|next|next-server)|order-1/tools)", "", ""),
    ("all is for one processor", "", r"iseq \$\{buildarch\} arm64 .*", "", ""),
    ("it is set already", "mirrors .*", r"set item kernel", "delete|word", ""),
    ("the name of an initrd is not asked for", "mirrors .*", r"set item initrd-1", "word", ""),
    ("one server, and no assets elsewhere", "(menus|remote) .*", r"set get-asset-mirror 1", "", ""),
    ("one server", "menus .*",
     r"set get-mirror 1|goto get-\$.*|goto failed|iseq \$\{(tried|got)\} .*|"
     r"imgfree \$\{item\} .*", "delete|word|goto", ""),
    ("there is no initrd", "menus .*", r"iseq \$\{platform\}-.*|imgargs kernel .*", "delete|word", ""),
    ("no order asks twice for the network", "(menus|remote) .*",
     r"iseq \$\{online\} yes .*|set online yes", "", ""),
    ("all have a time server", "menus .*", r"isset \$\{static-ntp\} .*|:network-no-ntp", "", ""),
    ("there is nothing to set, and nothing to take back", "menus .*",
     r".*goto network-up( \|\|)?", "delete|goto", ""),
    ("the list has two cards, or none", "menus .*", r"isset \$\{nic-1\} .*", "word", ""),
    ("a machine that asks which node it is knows no card of its own", "remote image",
     r"set then network-card|goto mac-\$\{net\$\{idx\}/mac:hexraw\} \|\||:network-card|"
     r"iseq \$\{found\} .*|iseq \$\{match\} .*", "delete|word|operator|careless|goto", ""),
    ("unknown machines boot nothing but a disk", "remote image",
     r":boot|boot kernel \|\||goto failed|(iseq \$\{platform\}-|imgargs kernel ).*", "dead", ""),
    ("what fails there is tried again from the same place", "remote .*",
     r"goto failed|set next order-unknown-step-2", "delete|word|goto", ""),
    ("nothing has been fetched, or all is dropped later", "remote .*", r"imgfree \|\|", "delete", ""),
    ("it takes two faults: that a script fails, and that ${order} is set", "remote image",
     r"imgexec node .*|isset \$\{order\} .*", "careless|delete", ""),
    ("orders in the tree begin online", "remote order",
     r"(set|isset|goto|iseq|ifopen|iflinkwait|dhcp|inc|ifclose) .*|:network-.*", "dead", ""),
    ("orders in the tree begin online", "remote order", r"goto network", "delete|goto", ""),
    ("the name of an initrd is not asked for", "remote order", r"set item initrd-1", "word", ""),
    ("scripts of nodes may end in any way but well", "remote node",
     r"iseq \$\{site\} .*|exit 1|isset \$\{net\$\{own\}/mac\} .*|:machine", "cut|word|delete", ""),
    ("each copy of the script of a node is found by one of its marks", "remote node",
     r"set own:int32 0|(is(set|eq)|goto) .*|:(mine|machine|mac-.*)|inc own",
     "delete|word|operator|goto|dead|swap", ""),
    ("the first item is chosen already", "menus .*", r"choose .*", "word", r".* disa .*"),
]


def why(where, way, line, changed):
    """@return why a change counts for nothing; None if it is in no row"""
    for reason, places, lines, ways, become in ROWS:
        if (
            re.fullmatch(places or ".*", where)
            and re.fullmatch(lines, line)
            and re.fullmatch(ways or ".*", way)
            and re.fullmatch(become or ".*", changed)
        ):
            return reason
    return None
