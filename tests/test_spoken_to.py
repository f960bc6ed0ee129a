"""What families and the staff of a school read: every refusal there is, in both languages."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from app.asgi import create_app
from app.settings import Settings
from db.context import Role
from db.models import Account, AccountStatus, DisabledReason, Guardianship, GuardianshipStatus, School
from policies.refusals import RefusalCode
from tests import documents
from tests.clients import Answer, Portal, crowd
from tests.conftest import Clock
from tests.desk import Desk, open_desk
from tests.district import PASSWORD, District, Pupil

WRONG = "lantern orchard seven boats"
OTHER_SSN = "529457777"
CONTACT = "the front office of your school"


@dataclass
class Town:
    """The office, where Dana is signed in, and a family at home, where nobody is."""

    desk: Desk
    home: Portal

    @property
    def district(self) -> District:
        return self.desk.district

    def speak(self, language: str | None) -> None:
        """From now on everybody asks in this language, or in none."""
        for portal in (self.desk.portal, self.home):
            portal.http.headers.pop("Accept-Language", None)
            if language:
                portal.http.headers["Accept-Language"] = language


@pytest.fixture
async def town(portal: Portal, district: District) -> AsyncIterator[Town]:
    async with crowd(1, portal) as [home]:
        yield Town(await open_desk(portal, district), home)


# ------------------------------------------------------------------------------------------------ the refusals
Refused = Callable[[Town], Awaitable[Answer]]
REFUSALS: list[tuple[Refused, RefusalCode, tuple[str, ...]]] = []


def told(code: RefusalCode, *spanish: str) -> Callable[[Refused], Refused]:
    """A way to be refused, and what is said in Spanish: of each field, where it is about the input."""

    def note(refused: Refused) -> Refused:
        REFUSALS.append((refused, code, spanish))
        return refused

    return note


async def _key(town: Town) -> str:
    """A key for a guardian of a new student."""
    student = await town.district.student()
    await town.district.guardian(student, given="Ines", family="Mora")
    issued = await town.home.request_key(*student.proofs)
    key: str = issued["key"]
    return key


@told(
    RefusalCode.INVALID_INPUT,
    "Use al menos 3 caracteres.",
    "Comience con una letra o un dígito.",
    "Use al menos 12 caracteres. Unas cuantas palabras sin relación entre sí funcionan bien.",
    "Las dos contraseñas no son iguales.",
)
async def short_and_different(town: Town) -> Answer:
    return await town.home.activate(await _key(town), "-m", "kites", verifyPassword="kite")


@told(
    RefusalCode.INVALID_INPUT,
    "Este nombre de usuario ya está en uso. Su clave sigue siendo válida: elija otro nombre.",
    "Esta contraseña es demasiado fácil de adivinar. Use unas cuantas palabras sin relación entre sí y evite "
    "frases comunes, repeticiones y teclas seguidas.",
)
async def too_common(town: Town) -> Answer:
    return await town.home.activate(await _key(town), "nora.q", "qwertyuiop12")


@told(
    RefusalCode.INVALID_INPUT,
    "No incluya nombres, su nombre de usuario ni el nombre del distrito escolar: quienes le conocen los "
    "probarían primero.",
)
async def personal(town: Town) -> Answer:
    return await town.home.activate(await _key(town), "ines.mora", "ines mora mora")


@told(
    RefusalCode.INVALID_INPUT,
    "Escriba el número de estudiante tal como lo escribió la escuela.",
    "Revise el número de Seguro Social: tiene nueve dígitos, y este no puede ser correcto.",
)
async def impossible_proofs(town: Town) -> Answer:
    return await town.home.request_key("", "2013-04-09", "123")


@told(
    RefusalCode.INVALID_INPUT,
    "Una clave de activación tiene 32 caracteres, del 0 al 9 y de la A a la F; los espacios y los guiones no importan.",
)
async def impossible_key(town: Town) -> Answer:
    return await town.home.check_key("not a key")


@told(
    RefusalCode.INVALID_INPUT,
    "Responda cada una de las preguntas que hay que hacer: PARENT_NAME, STUDENT_NAME, MAILING_ADDRESS, "
    "HOME_PHONE, STUDENT_SSN.",
)
async def incomplete_answers(town: Town) -> Answer:
    started = await town.desk.start("LOOK_UP")
    return await town.desk.answer(started["verificationId"], {"PARENT_NAME": "Maria Quimby"})


@told(
    RefusalCode.INVALID_INPUT,
    "Explique el motivo en pocas palabras: lo leerán el titular de la cuenta y los auditores del distrito.",
)
async def no_reason(town: Town) -> Answer:
    return await town.desk.reset(await town.desk.verified("RESET"), " ")


@told(
    RefusalCode.NOT_MATCHED,
    "Estos datos no coinciden con nuestros registros. Revíselos o llame a la escuela: en la oficina pueden ayudarle.",
)
async def not_matched(town: Town) -> Answer:
    return await town.home.request_key(*town.desk.nora.proofs[:2], OTHER_SSN)


@told(
    RefusalCode.ALREADY_ACTIVATED,
    "Ya existe una cuenta, así que no hace falta ninguna clave: inicie sesión con su nombre de usuario y "
    "contraseña de siempre.",
)
async def already_activated(town: Town) -> Answer:
    return await town.home.request_key(*town.desk.nora.proofs)


@told(
    RefusalCode.GUARDIAN_NAME_NEEDED,
    "Hay más de un tutor registrado para este estudiante. Escriba su nombre tal como lo tiene la escuela, con "
    "Jr., Sr. o III si lo lleva.",
)
async def guardian_name_needed(town: Town) -> Answer:
    student: Pupil = await town.district.student()
    for given in ("Ines", "Ruben"):
        await town.district.guardian(student, given=given)
    return await town.home.request_key(*student.proofs)


@told(
    RefusalCode.KEY_NOT_ACCEPTED,
    "Esta clave no abre ninguna cuenta. Puede estar mal escrita, ya usada o vencida: pida una nueva o llame a la "
    "escuela.",
)
async def key_not_accepted(town: Town) -> Answer:
    return await town.home.check_key("0" * 32)


@told(
    RefusalCode.WRONG_CREDENTIALS,
    "El nombre de usuario o la contraseña no son correctos.",
)
async def wrong_credentials(town: Town) -> Answer:
    return await town.home.login("maria.q", WRONG)


@told(
    RefusalCode.TOKEN_NOT_ACCEPTED,
    "Este código o enlace no se puede usar. Puede estar mal escrito, ya usado o vencido: pida uno nuevo.",
)
async def token_not_accepted(town: Town) -> Answer:
    choice = {"token": "ACDEFGHJKM", "password": WRONG, "verifyPassword": WRONG}
    return await town.home.do(documents.SET_NEW_PASSWORD, choice)


@told(
    RefusalCode.ACCOUNT_DISABLED,
    "Esta cuenta está deshabilitada. Llame a la escuela, que puede habilitarla.",
)
async def account_disabled(town: Town) -> Answer:
    await Account.filter(id=town.desk.maria.account_id).update(
        status=AccountStatus.DISABLED, disabled_reason=DisabledReason.STAFF_DECISION
    )
    await School.filter(id=town.desk.school.id).update(phone=None)
    return await town.home.login("maria.q", PASSWORD)


@told(
    RefusalCode.NEW_PASSWORD_NEEDED,
    "La escuela restableció esta cuenta. Cree una contraseña nueva con el código o el enlace que le dieron.",
)
async def new_password_needed(town: Town) -> Answer:
    await Account.filter(id=town.desk.maria.account_id).update(must_change_password=True)
    return await town.home.login("maria.q", PASSWORD)


@told(
    RefusalCode.SECOND_FACTOR_NEEDED,
    "Escriba el código de seis dígitos que muestra ahora su aplicación de autenticación, o uno de sus códigos de "
    "recuperación.",
)
async def second_factor_needed(town: Town) -> Answer:
    portal = town.desk.portal
    await portal.do(documents.ENROL_SECOND_FACTOR, {"password": PASSWORD})
    return await portal.do(documents.CONFIRM_SECOND_FACTOR, {"code": "no code"})


@told(
    RefusalCode.TOO_MANY_ATTEMPTS,
    "Hubo demasiados intentos. Por favor espere, o llame a la escuela: en la oficina pueden ayudarle.",
)
async def too_many_attempts(town: Town) -> Answer:
    answer = await town.home.login("nobody.at.all", WRONG)
    while answer["__typename"] == "WrongCredentials":
        answer = await town.home.login("nobody.at.all", WRONG)
    return answer


@told(
    RefusalCode.NOT_ALLOWED,
    "La oficina de registros debe identificar primero la tutela: mientras no esté confirmada, no se puede decir "
    "ni hacer nada. Verifique primero a la persona que llama: inicie una verificación para este propósito y haga "
    "las preguntas que se indiquen, o pídale que muestre en persona una identificación válida.",
)
async def two_facts_missing(town: Town) -> Answer:
    started = await town.desk.start("LOOK_UP")
    claimed = Guardianship.filter(guardian_id=town.desk.maria.id)
    await claimed.update(status=GuardianshipStatus.CLAIMED)
    answer = await town.desk.look_up(started["verificationId"])
    await claimed.update(status=GuardianshipStatus.CONFIRMED)
    return answer


@told(
    RefusalCode.NOT_ALLOWED,
    "Primero inicie sesión.",
)
async def nobody_signed_in(town: Town) -> Answer:
    return await town.home.do(documents.LOGOUT)


@told(
    RefusalCode.WRONG_STATE,
    "Esta verificación ya se completó con éxito.",
)
async def passed_already(town: Town) -> Answer:
    return await town.desk.answer(await town.desk.verified("LOOK_UP"), town.desk.right)


@told(
    RefusalCode.WRONG_STATE,
    "Esta cuenta no está deshabilitada.",
)
async def not_disabled(town: Town) -> Answer:
    return await town.desk.enable(await town.desk.verified("ENABLE"))


@told(
    RefusalCode.VERIFICATION_FAILED,
    "Las respuestas, o algunas de ellas, no coinciden con nuestros registros. A nadie se le dice cuáles.",
)
async def verification_failed(town: Town) -> Answer:
    started = await town.desk.start("LOOK_UP")
    return await town.desk.answer(started["verificationId"], town.desk.right | {"PARENT_NAME": "Ada Quimby"})


@told(
    RefusalCode.IN_PERSON_REQUIRED,
    "La persona que llama debe venir a la escuela y mostrar una identificación válida: anote qué tipo de documento es.",
)
async def in_person_required(town: Town) -> Answer:
    started = await town.desk.start("LOOK_UP")
    return await town.desk.answer(started["verificationId"], town.desk.right | {"STUDENT_SSN": None})


@told(
    RefusalCode.NOT_FOUND,
    "No se encontró.",
)
async def not_found(town: Town) -> Answer:
    return await town.desk.start("LOOK_UP", student=Pupil(999, "", town.desk.nora.birth_date, "", 0))


def test_the_table_has_every_refusal() -> None:
    assert {code for _, code, _ in REFUSALS} == set(RefusalCode)


def words(answer: Answer) -> tuple[str, ...]:
    """What a person reads of it, as far as it is about what was asked."""
    return tuple(field["message"] for field in answer["fields"]) if "fields" in answer else (answer["message"],)


def without_words(answer: Answer) -> Answer:
    """What a client branches on and computes with."""
    rest = {key: value for key, value in answer.items() if key not in {"message", "contact", "fields"}}
    return rest | {"paths": [field["path"] for field in answer.get("fields", [])]}


@pytest.mark.parametrize(("refused", "code", "spanish"), REFUSALS, ids=[case[0].__name__ for case in REFUSALS])
async def test_a_refusal_says_the_same_in_both_languages(
    town: Town, refused: Refused, code: RefusalCode, spanish: tuple[str, ...]
) -> None:
    answers = {}
    for language in (None, "en", "es"):
        town.speak(language)
        answers[language] = await refused(town)
    unasked, english, in_spanish = (answers[language] for language in (None, "en", "es"))
    assert unasked == english
    assert english["code"] == code
    assert without_words(english) == without_words(in_spanish)
    assert words(in_spanish) == spanish
    assert not set(words(english)) & set(spanish)
    assert english["message"] != in_spanish["message"]
    if "fields" in in_spanish:
        assert in_spanish["message"] == "Primero hay que corregir algo; no se cambió nada."


# ------------------------------------------------------------------------------------------------ whom to call
async def test_the_usual_contact_is_in_the_readers_language(town: Town) -> None:
    assert (await account_disabled(town))["contact"] == CONTACT
    town.speak("es")
    assert (await account_disabled(town))["contact"] == "la oficina de su escuela"


@pytest.mark.parametrize("own", ["the help desk, 100% free: %(phone)s", "This was not found."])
async def test_a_districts_own_contact_is_shown_as_it_is(
    town: Town, settings: Settings, clock: Clock, own: str
) -> None:
    assert (await account_disabled(town))["contact"] == CONTACT
    async with Portal(create_app(settings.model_copy(update={"district_contact": own}), clock=clock)) as portal:
        portal.http.headers["Accept-Language"] = "es"
        assert (await portal.login("maria.q", PASSWORD))["contact"] == own


async def test_the_name_of_a_school_is_shown_as_it_is(town: Town) -> None:
    await account_disabled(town)
    await School.filter(id=town.desk.school.id).update(name="The school district", phone="100%")
    town.speak("es")
    assert (await town.home.login("maria.q", PASSWORD))["contact"] == "The school district, 100%"


# ------------------------------------------------------------------------------------------------ what staff ask
async def test_an_administrator_is_advised_in_spanish(portal: Portal, district: District) -> None:
    ada = await district.staff(Role.ADMINISTRATOR)
    await district.opened(ada, "ada")
    await portal.login("ada", PASSWORD)
    portal.http.headers["Accept-Language"] = "es"
    asked = {"role": "DESIGNEE", "scope": "same_school", "action": "account:reset"}
    answer = (await portal.ask(documents.EXPLAIN_POLICY, {"input": asked}))["explainPolicy"]
    assert answer["missing"] == ["GUARDIANSHIP_CONFIRMED", "VERIFICATION_PASSED"]
    assert answer["advice"][0].startswith("La oficina de registros debe identificar primero la tutela")
    asked["scope"] = "my school"
    answer = (await portal.ask(documents.EXPLAIN_POLICY, {"input": asked}))["explainPolicy"]
    assert words(answer) == (
        "Esta palabra no es válida en «scope». Palabras conocidas: own, own_student, same_school, same_district, none.",
    )
