"""Makes a list of steps that shows a fault as short as it gets."""


def shorter(steps, fails):
    """
    The steps without those that do not matter: larger parts are left out first, then single ones, until each counts.

    `fails(steps)` tells whether these steps still show the fault; None means that there is no more time.
    """
    size = max(1, len(steps) // 2)
    while steps:
        position, is_shorter = 0, False
        while position < len(steps):
            candidate = steps[:position] + steps[position + size :]
            verdict = fails(candidate)
            if verdict is None:
                return steps
            if verdict:
                steps, is_shorter = candidate, True
            else:
                position += size
        if size == 1 and not is_shorter:
            break
        if not is_shorter or size > len(steps):
            size = max(1, size // 2)
    return steps


def simpler(steps, fails, variants):
    """The steps, each in the first of its simpler `variants(step)` that still shows the fault, for as long as there are any."""
    position = 0
    while position < len(steps):
        for variant in variants(steps[position]):
            candidate = [*steps[:position], variant, *steps[position + 1 :]]
            verdict = fails(candidate)
            if verdict is None:
                return steps
            if verdict:
                steps = candidate
                break
        else:
            position += 1
    return steps
