"""What of the API no schema can say: these refusals are right, whatever the document allows."""

import json

import schemathesis

# An upload that is named must be there, and a key stands for one body.
RIGHT = (
    "names no upload that is there",
    "This Idempotency-Key was used with another body",
)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    try:
        sentence = json.loads(response.content)["error"]
    except (ValueError, KeyError, TypeError):
        return True
    return response.status_code != 422 or not any(words in sentence for words in RIGHT)
