"""What a run says about one image, as JSON."""

from typing import Any

from hmgc_core.records import Prediction


def suggested(prediction: Prediction) -> dict[str, Any]:
    """The run, its answer, and how likely it takes the classes on the way there and the likeliest ones."""

    def rounded(pairs: tuple[tuple[str, float], ...]) -> list[tuple[str, float]]:
        return [(key, round(probability, 4)) for key, probability in pairs]

    return {
        "run": prediction.run_id,
        "node": prediction.node,
        "probability": round(prediction.probability, 4),
        "path": rounded(prediction.path),
        "top": rounded(prediction.top),
    }
