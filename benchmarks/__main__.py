"""`make bench`: every benchmark, one after the other."""

from rich.console import Console

from benchmarks import encoders, overload, serving, training

console = Console()
console.rule("Serving, against FastAPI and ONNX Runtime by hand")
serving.compare("fashion", rounds=5, seconds=4, console=console)
console.rule("Five times too much")
overload.main()
console.rule("PNG encoders")
encoders.main()
console.rule("Training, against the TensorFlow tutorial's loop")
training.main()
