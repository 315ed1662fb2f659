"""Evaluates identity and bucket policies as AWS documents it: an explicit deny wins, else any allow, else no."""

import re


KNOWN_MEMBERS = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


class Policies:
    """The policies of one bucket and of the users that may reach it."""

    def __init__(self, bucket_policy=None, identity_policies=None):
        self.bucket_policy = bucket_policy
        self.identity_policies = identity_policies or {}

    def allows(self, principal, action, resource, context):
        """Whether `principal` (an ARN) may do `action` on `resource`; `context` maps condition keys to values or None."""
        statements = [
            statement
            for statement in _statements(self.bucket_policy)
            if _principal_matches(statement, principal)
        ] + _statements(self.identity_policies.get(principal))
        effects = {
            statement["Effect"]
            for statement in statements
            if _matches_any(action, statement["Action"], ignore_case=True)
            and _matches_any(resource, statement["Resource"])
            and _conditions_hold(statement.get("Condition", {}), context)
        }
        return "Allow" in effects and "Deny" not in effects


def _statements(policy):
    if not policy:
        return []
    statements = _list(policy["Statement"])
    for statement in statements:
        if unknown := set(statement) - KNOWN_MEMBERS:
            raise ValueError(f"members {unknown} of a statement are not known")
    return statements


def _list(value):
    return value if isinstance(value, list) else [value]


def _principal_matches(statement, principal):
    wanted = statement.get("Principal")
    if wanted == "*":
        return True
    return bool(wanted) and any(p in ("*", principal) for p in _list(wanted.get("AWS", [])))


def _wildcard(pattern, ignore_case=False):
    # Unlike a shell's, these patterns know only * and ?, and * crosses every character.
    text = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _matches_any(value, patterns, ignore_case=False):
    return any(_wildcard(p, ignore_case).fullmatch(value) for p in _list(patterns))


def _conditions_hold(conditions, context):
    return all(
        _condition_holds(operator, key, _list(values), context.get(key.lower()))
        for operator, tests in conditions.items()
        for key, values in tests.items()
    )


def _condition_holds(operator, key, values, actual):
    if operator == "Null":
        return (actual is None) == (values[0].lower() == "true")
    if operator.endswith("IfExists"):
        if actual is None:
            return True
        operator = operator[: -len("IfExists")]
    if actual is None:
        return operator.startswith(("StringNot", "NumericNot"))
    if operator == "StringEquals":
        return actual in values
    if operator == "StringNotEquals":
        return actual not in values
    if operator == "StringLike":
        return _matches_any(actual, values)
    if operator == "StringNotLike":
        return not _matches_any(actual, values)
    if operator == "Bool":
        return actual.lower() == values[0].lower()
    number = {
        "NumericEquals": lambda a, b: a == b,
        "NumericLessThan": lambda a, b: a < b,
        "NumericLessThanEquals": lambda a, b: a <= b,
        "NumericGreaterThan": lambda a, b: a > b,
        "NumericGreaterThanEquals": lambda a, b: a >= b,
    }.get(operator)
    if number is None:
        raise ValueError(f"condition operator {operator} is not known")
    return any(number(float(actual), float(v)) for v in values)
