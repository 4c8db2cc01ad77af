"""Nativity: whether the number of a resident ID card was first given in Chongqing or in Sichuan.

Knows prefixes and years of birth; knows no offers, and not where anybody lives or was born. Staff
see more than this, and may decide otherwise (docs/adr/0011-natives-by-codes-of-their-time.md).
"""

from passes.people.identity import DocumentKind, Identity

_CHONGQING, _SICHUAN = "50", "51"

_SPLIT = 1997
"""Whoever was born in 1997, before or after Chongqing left Sichuan, may still have an old code."""

_OF_AGE = 1983
"""Whoever was born by then was 16, and had a number, before Meishan got the codes of Fuling in
2000."""

_LAST_YEAR_OF_OLD_CODES = {
    # Codes of Sichuan for what is Chongqing now: the last year of birth with which they mean that.
    # The comments say in which years a code was in use, from 1984 on, by MCA's list of each year;
    # the whole of each area became Chongqing (NPC, 14 March 1997).
    #
    # 重庆市 1984-97, with 永川, 江津, 合川 and what else was 永川地区 until 1983
    "5102": _SPLIT,
    # 万县市 1992-97; nobody's before or after
    "5112": _SPLIT,
    # 万县地区 1984-92; nobody's after (绵阳地区 until 1982)
    "5122": _SPLIT,
    # 涪陵地区 1984-95, with 黔江 until 1988; nobody's after (内江地区 until 1982)
    "5123": _SPLIT,
    # 黔江地区 1988-97; nobody's before or after
    "5135": _SPLIT,
    # 涪陵市 1995-97 (国函〔1995〕106号) in MCA's lists; nobody's before or after
    "5170": _SPLIT,
    # 永川市, 合川市 and 江津市 1992-95; nobody's before or after
    "519005": _SPLIT,
    "519006": _SPLIT,
    "519007": _SPLIT,
    # 涪陵市 1995-97 once more, where 5114 stands for 5170. Given away again to 眉山市, most of it
    # in 2000.
    "511481": _SPLIT,  # 南川市; nobody's after
    "511403": _SPLIT,  # 李渡区; 彭山区 since 2014, of newborns alone
    "511402": _OF_AGE,  # 枳城区; 东坡区 since 2000
    "511421": _OF_AGE,  # 垫江县; 仁寿县 since 2000
    "511422": _OF_AGE,  # 丰都县; 彭山县 2000-14
    "511423": _OF_AGE,  # 武隆县; 洪雅县 since 2000
}
_PREFIX_LENGTHS = (4, 6)


def native_of(identity: Identity) -> str | None:
    """Where a resident ID number was first given.

    "chongqing", "sichuan", or None for elsewhere and for other documents.

    Rules: a number keeps the code of the county where its holder was registered when it was given
    (GB 11643). 50 is Chongqing's since 1997, whenever its holder was born: many got their number
    years after birth. The first numbers were given in 1984 (居民身份证试行条例, 6 April 1984), so
    there is no first year of birth: whoever was born in 1930 has a code of 1984 or later. What a
    code meant before that tells nothing: 5126, 5127 and 5128 (Yongchuan, Fuling, Wanxian) and 5121
    (Yongchuan again) were other places' or nobody's by then, and are Sichuan's.

    Guesses: until 1999 most people got their number at 16, since then everybody from birth
    (国发〔1999〕15号). So a code that Fuling had for two years and Meishan has since 2000 means
    Fuling for whoever was 16 before 2000, and Meishan for everybody younger; those of Fuling who
    were born later and got one of these codes nevertheless need staff. And no old code is believed
    of anybody born after 1997.
    """
    if identity.kind is not DocumentKind.RESIDENT:
        return None
    if identity.number.startswith(_CHONGQING) or _has_old_code(identity):
        return "chongqing"
    if identity.number.startswith(_SICHUAN):
        return "sichuan"
    return None


def _has_old_code(identity: Identity) -> bool:
    """Whether a number has a code of Sichuan that meant a part of Chongqing when it was given."""
    for length in _PREFIX_LENGTHS:
        last_year = _LAST_YEAR_OF_OLD_CODES.get(identity.number[:length])
        if last_year is not None and identity.born.year <= last_year:
            return True
    return False
