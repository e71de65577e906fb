"""Makes text that is no language: code, numbers, identifiers, keyboard noise, signs, letters under combining marks."""

import base64

WORDS = (
    "data index value count name list item node key user file path size type result buffer state config input output error message "
    "request response server client token parse print read write open close start stop update delete create insert remove find get "
    "set add sub mul push pop map filter reduce sort join split length width height color margin padding border left right top "
    "bottom main test init load save run exec call bind apply event handler callback promise async sync thread lock queue stack tree "
    "graph edge vertex matrix vector tensor float double int long char string bool byte array object class method field table row "
    "column query cursor session cookie header body html json xml http url port host root admin tmp var src dst len idx ptr ctx req "
    "res err msg cfg str num arr obj fn cb el btn img div span nav foo bar baz qux i j k n m x y z a b c p q s t"
).split()
CODE = """for (let @ = 0; @ < #; @++) {
for (int @ = 0; @ < @.size(); ++@)
for @ in range(#):
while (@ < #) { @ += #; }
if (@ == null) return -1;
if (@ != NULL && @->@ > 0) {
if @ is None: return
else if (@ >= #) {
const @ = await @(@);
const { @, @ } = require('@');
let @ = @.map((@) => @ * #);
var @ = new @();
import @ from './@.js';
from @ import @
import { @ } from '@';
export default function @(@, @) {
module.exports = @;
function @(@) { return @ + #; }
def @(@, @=None):
def __@__(self):
return [@ for @ in @ if @]
@ = [@**2 for @ in range(#)]
lambda @: @[#]
class @ extends @ {
class @(@):
public static void @(String[] @) {
private final int @ = #;
#include <@.h>
#define @ #
int @ = *@ + @[#];
@[#]->@ = &@;
std::vector<int> @;
printf("%d %s\\n", @, @);
console.log(@.@);
System.out.println(@);
fmt.Println(@)
fn @(@: &str) -> u32 {
func (@ *@) @() error {
echo $@ | grep -v @ > /dev/null
export @=$@:/usr/local/bin
sudo apt-get install -y @
npm install @ --save-dev
pip install @==#.#.#
git commit -am "@"
git checkout -b @/@
docker run -it -p #:# @
cd ~/@/@ && ls -la
rm -rf ./@
chmod 755 @.sh
curl -X POST https://@.com/api/v1/@
SELECT * FROM @ WHERE @ = #;
INSERT INTO @ (@, @) VALUES (#, '@');
UPDATE @ SET @=# WHERE id=#
{"@": #, "@": "@"}
{"@":true,"@":[#,#,#]}
<div class="@">
</@></@>
<@ @="@" />
<img src="@.png" alt="">
<a href="/@/@">
.@ { @: #px; }
#@ > .@:hover{color:#fff}
@media (max-width: #px) {
\\frac{@}{@} + \\sqrt{@}
\\begin{@}
$@ = \\sum_{@=1}^# @_@$
^[a-z0-9]+$
/^\\d{3}-@(.*)$/g
[^@]*\\.@$
@.@(@, #)
@.@.@
@_@_@
@@.@()
@ && @ || !@
@ = @ ? # : #
(@ + @) * # / @
try { @(); } catch (e) {}
@: @ # todo
<?php echo $@['@']; ?>
@::@<@>
@ := make([]int, #)
0x@
--@=# --@
@@@.@
- [ ] @
%@%\\@
@/@/@.@
./@.py -@ #
C:\\@\\@.exe
/usr/lib/@/@.so.#
@-@-#.#.tar.gz
IMG_#_#.jpg
@.@.txt
v#.#.#-rc#
http://#.#.#.#:#/
https://@.@/@
https://t.co/$$
www.@.com/@?@=#&@=#
@=#&@=#""".split("\n")
NUMBERS = """#
##
#.#
#,#
#,###.##
#-#-#
#/#/#
#.#.#
#:#
#-#-# #:#:#
+# # #
+#-#-#
(#) #-#
# %
#%
# * # = #
# + # = #
#x#
$#.#
€ #
£#.#
# €
# # # # #
#.#.#.#
#e-#
1. 2. 3.
# / #
#-#
#°
№ #
#kg
#px
#:#:#.#
[#, #, #]
(#, #)""".split("\n")
KEYBOARDS = [
    ["qwertyuiop", "asdfghjkl", "zxcvbnm"], ["qwertzuiopü", "asdfghjklöä", "yxcvbnm"], ["azertyuiop", "qsdfghjklm", "wxcvbn"],
    ["йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"], ["qwertyuiopå", "asdfghjkløæ", "zxcvbnm"], ["1234567890", "qwertyuiop"]]  # fmt: skip
SIGNS = "!?.,;:-_=+*/\\|~^#@$%&()[]{}<>\"'`…·•–—→←↑↓★☆✓✗♥°§€£¥©®™"
EMOJI = "😀😂🤣😍😘😎😭😡👍👎🙏👏🎉🔥💯❤💔🚀🐱🐶🌞🌙⭐🍕🍺🎂🎵⚽✅❌☺✌🤷🙈💪👀"
HEX = "0123456789abcdef"
MARKS = "".join(map(chr, range(0x300, 0x370)))


def pick(rng, some, least, most):
    return "".join(rng.choice(some) for _ in range(rng.randint(least, most)))


def identifier(rng):
    parts = [rng.choice(WORDS) for _ in range(rng.choice((1, 1, 1, 2, 2, 3)))]
    return rng.choice(("_".join(parts), parts[0] + "".join(p.title() for p in parts[1:]), "".join(parts)))


def filled(rng, template):
    text = "".join(identifier(rng) if c == "@" else c for c in template)
    text = "".join(str(rng.choice((rng.randint(0, 9), rng.randint(0, 99), rng.randint(0, 9999)))) if c == "#" and rng.random() < 0.95 else c for c in text)
    return text.replace("$$", pick(rng, "abcdefghijklmnopqrstuvwxyz0123456789", 6, 10))


def code(rng):
    return " ".join(filled(rng, rng.choice(CODE)) for _ in range(rng.choice((1, 1, 1, 2, 3))))


def numbers(rng):
    return filled(rng, rng.choice(NUMBERS))


def identifiers(rng):
    kind = rng.randrange(7)
    if kind == 0:
        return rng.choice(("", "", "0x", "#")) + pick(rng, HEX, 6, 40)
    if kind == 1:
        return "-".join(pick(rng, HEX, n, n) for n in (8, 4, 4, 4, 12))
    if kind == 2:
        return ":".join(pick(rng, HEX, 2, 2) for _ in range(6))
    if kind == 3:
        return base64.b64encode(rng.randbytes(rng.randint(6, 40))).decode()
    if kind == 4:
        return pick(rng, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 8, 32)
    if kind == 5:
        return pick(rng, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 1, 4) + rng.choice("-_ ") + pick(rng, "0123456789", 2, 8)
    return ":".join(pick(rng, HEX, 1, 4) for _ in range(rng.randint(3, 8)))


def keyboard(rng):
    rows = rng.choice(KEYBOARDS)
    kind = rng.randrange(6)
    if kind == 0:  # along a row
        row = rng.choice(rows)
        row = row[::-1] if rng.random() < 0.3 else row
        n = rng.randint(4, len(row))
        at = rng.randint(0, len(row) - n)
        one = row[at : at + n]
    elif kind == 1:  # keys near each other
        row = rng.choice(rows)
        at = rng.randint(0, len(row) - 3)
        one = pick(rng, row[at : at + rng.randint(3, 6)], 4, 14)
    elif kind == 2:  # one row
        one = pick(rng, rng.choice(rows), 5, 14)
    elif kind == 3:  # a piece again and again
        one = pick(rng, rng.choice(rows), 2, 4) * rng.randint(2, 5)
    elif kind == 4:  # one key
        one = rng.choice(rng.choice(rows)) * rng.randint(4, 20)
    else:  # all keys
        one = pick(rng, "".join(rows), 6, 14)
    if rng.random() < 0.15:
        one += pick(rng, ",.-;/'[]", 1, 3)
    return one


def noise(rng):
    return " ".join(keyboard(rng) for _ in range(rng.choice((1, 1, 1, 2, 2, 3))))


def signs(rng):
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(SIGNS) * rng.randint(1, 10)
    if kind == 1:
        return pick(rng, SIGNS + " ", 1, 8)
    return pick(rng, EMOJI, 1, 6).replace("❤", "❤\ufe0f")


def decorated(rng, most=3):
    """Letters under combining marks. text.py leaves out runs of more than three marks, so that it reads only the letters."""
    return "".join(c + pick(rng, MARKS, 1, most) for c in identifier(rng))


def texts(rng, count):
    makers = [code] * 8 + [numbers] * 3 + [identifiers] * 4 + [noise] * 6 + [signs] * 3 + [decorated]
    return [rng.choice(makers)(rng) for _ in range(count)]
