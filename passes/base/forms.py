"""Forms: the patterns that written values follow, each with words that say how to write one.

A model names a pattern from here, so `passes.base.faults` can say what to write instead of showing
a regular expression. `tests/base/test_faults.py` finds a pattern without words.
"""

SLUG = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
NONCE = r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$"
ADCODE_HERE = r"^5[01][0-9]{4}$"
ADCODE = r"^[0-9]{6}$"
PHONE = r"^(0[0-9]{2,3}-[0-9]{7,8}|400-[0-9]{3}-[0-9]{4}|[0-9]{5,11})$"
IMAGE = r"^https://[^\s]+$"
MONGO_URI = r"^mongodb(\+srv)?://"
DATABASE = r"^[A-Za-z0-9_-]{1,38}$"
APPID = r"^wx[0-9a-z]{4,30}$"
ADDRESS = r"^https?://[^/]+$"
DEVICE = r"^[A-Za-z0-9._-]{16,64}$"
CARRIER = r"^[a-z][a-z0-9_]{0,39}$"
CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
HOURS = f"{CLOCK[:-1]}-{CLOCK[1:]}"
PRIVACY_VERSION = r"^[A-Za-z0-9._-]{1,20}$"

WORDS = {
    SLUG: "write small letters and digits, with hyphens between words, such as leshan-dafo",
    NONCE: "write 1 to 64 of A-Z a-z 0-9 . _ - and no dot in front",
    ADCODE_HERE: "write the six digits of a district or city here, such as 511181: 51… or 50…",
    ADCODE: "write six digits, such as 511181",
    PHONE: "write one number, such as 0833-5090000, 400-819-6333 or 96333",
    IMAGE: "write an address that begins with https://, without blanks",
    MONGO_URI: "write an address that begins with mongodb:// or mongodb+srv://",
    DATABASE: "write 1 to 38 letters, digits, _ or -",
    APPID: "write the AppID as WeChat gives it: wx, then small letters and digits",
    ADDRESS: "write an address without a path, such as https://api.weixin.qq.com",
    DEVICE: "write 16 to 64 of A-Z a-z 0-9 . _ -, drawn at random once",
    CARRIER: "write 1 to 40 small letters, digits and _, such as social_security",
    CLOCK: "write a time of day, such as 09:00",
    HOURS: "write hours as 09:00-17:30",
    PRIVACY_VERSION: "write 1 to 20 letters, digits, dots, _ or -, such as 2026-11",
}
"""For each pattern, what to write."""
