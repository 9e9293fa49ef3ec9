"""Colour maps by which numbers are shown: magma and viridis of Smith and van der Walt (CC0), 256 steps from dark to light.

They are written here, as whole numbers, so that a report and a contact sheet need no library of figures.
"""

from base64 import b85decode

import numpy as np
from jaxtyping import UInt8

Colours = UInt8[np.ndarray, "256 3"]


def _table(text: str) -> Colours:
    return np.frombuffer(b85decode(text), np.uint8).reshape(256, 3)


MAGMA = _table(
    "000C500jX71_1#G0s#pE0t*5H4FdxY0|OES1QZ1X76t_v1_c@i1{??n9tj5^3J4+#2_y^&CJhQH4ht&~3oQ{0FA@zg6Ad&J4mK4II2I2(7!N%e5I-6aLL3l8"
    "9T7(!5lJ8sOCb?XA`ws|5>q7-RVNZyDG^#K5nL=0Uo8<~FA-xg5oI$FXEYFLHV|t#5NtUQZaWWfJr8j|4{|^cbV3hxL=SdF5O+rqcu5d=N)UNW5qeG$druO3"
    "Q4)Mo6MR$?eO45GR~3F)6@FS4eq0uRT^D~}7=K_GfMOYdWEy~F8h~dTfM^_nY8-)U9f55ffo>jwa36tkAAxfqfpsB)b|HayB7u1#f_o!^d?SK>B!Yk?f`KK0"
    "gC>E5CV_@0frux8i70`KDS?bBfsQJHkSc+ZD}j?MfRrqNmMnmnEr6LVfSWFVoGyQ!FMpsff1xmbqcDD@F@B~oeW)^hsxy77GkmQye6BQmur+(KHG8u*dbKus"
    "w>NpXH+i}^c)U4yy*YQkI(NW2cEUS##5{GyJaorBbI3k(%06<;KXJ`KanC?-&_Qp~LT}SUZq-C>)<taCMQqtdYuiU^+(>EONoe0nXy8m|;!S4bPG#gzWaUs~"
    "=Tc+nQ)1~<V(M05>sMgxSYYj1U+!C8?_FN-UtaNGUGidG@?>1|WnA=UT=Z#N^=n-AY+UwkT=#HX_i|kLbX@p$T={ri`FUOWdtLf{UiyDt`hj2jgJ1iFVEcz*"
    "{E1=wiemhXWBiU}{E%h+l4kvsXZ@CF{g`R}nri)<YyO>V{-16Bp>F=8Z~mom{-<*OsdN6SbpEV%{;qfauz3Emdj7O~{<eJnw|@S)fBw6H{=I_!zl8q5h5o{a"
    "{=|s>#)|&PjQ+}v{>+d5&5-`jlK#<@{?nEI)tCO)nf}<C{o0)U+@Ag3p#9*X{o<qj<E8!Or~T)t{pqUx>#Y3juKez>{P42;^0fT)w*2<E{P(&1`Mdo4z5M;Z"
)

VIRIDIS = _table(
    "L;+Mp0#-!?S49O`Mh99(2wX-AT}BIDM-5;{4q-<SV@DBWM-yd86lX{lXh;`nNEm8J8f-`#ZAct$NF8rTA8<$@aY!L^NF#JeBy~t7c1R|7NGNznDS1aKdPgjJ"
    "M=g6tE__EXeMT^TMlyazGk-=jfJHTdMK^&(ID$kugG4%mL_35-J%mF(g+f1tLO_N>L54v>he1S#Kt+f^Mu<O0h(Ab)K1qo_N{K#9iakw=Jx+=|Pl`NHi#t(^"
    "J5q}}Q;RxOj5$?|IaZ7~Sd2JXj5k`0H(QN1T#YtejWu44HD8T1V2w0kjWc46Gh>Z1WR5arjxlDAF=vi3XpS&xjxcJDFKdo3Y>qB%jxKJFE^m%4aE>i;jx2GG"
    "EOL%4bB-%?jw^MJDt3-4caAD}jwyMLDSD16dyXi4jwpSOCw`76e~u@BjwXSQCW4M8f{rDFjwOVSC54V8hK?kMjw6VUBZ-b9ij5+RjUtSVB8`n9j*TIYjUkYY"
    "A(4zAl8hjdj3ASYAC!zAm5U#iiyxPZADD|DnTj8piXNMa9-N6Dorxcwi65VcAE1aIp@<)$haaMcAftvLq=q4-g(0SeBBzBSsDvY_gCwehC98rZtb!)3fhVnj"
    "D6W7huYW4Ae=M<nEwX(svwSbKd@;3qGPZg&ws|$Tc{jLtIJtK^x^_Febv?XvKfH55y>ddnaYVmxM!;`K!EQ>yZA`*!PQz<Z#A;H-X;j5%R>o&o$7Nc`WL(H&"
    "Uddu$%3x#5UuDZ)XUtq_&0B2ET5ir*aL-qB&{lQORCm!+deKpQ(olcXPJz=+gw#uh)k%rfNQ>4+j@Ctx*F%%nL6z7*nAkp>**u-uJD}P*qS`m5+cv1%G^*S("
    "t=urM-7m7;Ew$b&xZWwc-YC7_Ccxh%!rvps;33H1Aj;t%&EXx;;T+Q98`a_(*y0)5;~CxK7~kU<;^Y|R<QeDW8S3R4?ByHp<s9+l9rWfN_U0h?<{|s%BmL(k"
)
