"""Consent: which privacy statement a visitor agrees to, and who agrees for a child.

The personal information of anybody below 14 is processed with the consent of a parent or another
guardian alone (个人信息保护法, article 31).
"""

from datetime import datetime

from passes.base.calendar import business_day
from passes.base.errors import Fault, Invalid
from passes.base.text import Text
from passes.people.holder import Holder
from passes.people.identity import Identity, IdentityDocument, Sealer, identify
from passes.people.visitors import Consent

GUARDED_BELOW = 14
"""Years of age below which a guardian has to consent."""

ADULT_FROM = 18
"""Years of age from which somebody is an adult (民法典, article 17)."""


class Consents:
    """Checks what is agreed to."""

    def __init__(self, identities: Sealer, privacy_version: str) -> None:
        """`privacy_version` is that of the privacy statement in force."""
        self._identities = identities
        self.privacy_version = privacy_version

    def checked(
        self, version: str, guardian: IdentityDocument | None, identity: Identity, now: datetime
    ) -> Consent:
        """The consent of a person to a version of the statement, by a guardian if they are a child.

        Raises `Invalid` if another version is in force, if a child has no guardian who can
        consent, or if anybody else has one.
        """
        self.check_version(version)
        if identity.age_on(business_day(now)) < GUARDED_BELOW:
            consenting = self._guardian(guardian, identity, now)
            return Consent(self.privacy_version, now, consenting, identity.born.year)
        if guardian is not None:
            fault = Fault("guardian", f"is said below {GUARDED_BELOW} years of age alone")
            text = Text("不需要监护人", "no guardian is needed")
            raise Invalid("guardian_invalid", text, [fault])
        return Consent(self.privacy_version, now, born_year=identity.born.year)

    def check_version(self, version: str) -> None:
        """Raise `Invalid` if another version of the statement is in force."""
        if version != self.privacy_version:
            what = f"the privacy statement in force is version {self.privacy_version}"
            text = Text("请同意最新的隐私政策", "agree to the privacy statement")
            raise Invalid("consent_needed", text, [Fault("consent_version", what)])

    def same(self, before: Consent | None, after: Consent) -> bool:
        """Whether the same was agreed to already, by the same guardian."""
        if before is None or before.version != after.version:
            return False
        return self._opened(before.guardian) == self._opened(after.guardian)

    def _opened(self, guardian: Holder | None) -> Identity | None:
        if guardian is None:
            return None
        return self._identities.open(guardian)

    def _guardian(self, said: IdentityDocument | None, child: Identity, now: datetime) -> Holder:
        """The guardian of a child, sealed. Raises `Invalid`."""
        text = Text(
            "未满14周岁须由监护人同意",
            f"below {GUARDED_BELOW} years of age a guardian has to consent",
        )
        if said is None:
            raise Invalid("guardian_needed", text, [Fault("guardian", "is needed")])
        try:
            guardian = identify(said, business_day(now))
        except Invalid as error:
            faults = [Fault(f"guardian.{fault.where}", fault.what) for fault in error.faults]
            raise Invalid("guardian_invalid", text, faults) from None
        too_young = guardian.age_on(business_day(now)) < ADULT_FROM
        is_the_child = guardian.number == child.number
        if too_young or is_the_child:
            fault = Fault("guardian", f"has to be {ADULT_FROM} years old")
            raise Invalid("guardian_invalid", text, [fault])
        return self._identities.seal(guardian)
