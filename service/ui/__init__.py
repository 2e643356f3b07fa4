"""The web page at `/ui`: Gradio in front of the same engine and the same limits as everyone's.

Nothing here imports Gradio until somebody asks for the page (`service.ui.mount`).
"""
